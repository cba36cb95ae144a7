-- 0: not snoozed.
ALTER TABLE site ADD COLUMN snoozed_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE site ADD COLUMN sound INTEGER NOT NULL DEFAULT 1;
ALTER TABLE site ADD COLUMN links TEXT NOT NULL DEFAULT 'any';
ALTER TABLE site ADD COLUMN images TEXT NOT NULL DEFAULT 'own';
ALTER TABLE site ADD COLUMN burst TEXT NOT NULL DEFAULT '5/10';
ALTER TABLE site ADD COLUMN dnd_bypass INTEGER NOT NULL DEFAULT 0;

-- A site's subscription is the youngest of its channels. An older one serves until the youngest has its endpoint. One that
-- is 'removed' and still has its site was disconnected by the user: it says where the site was.
ALTER TABLE channel ADD COLUMN unregister_code INTEGER NOT NULL DEFAULT 200;
-- Whether the push service has confirmed the removal.
ALTER TABLE channel ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;

-- When it was deleted: 0 while it is there. It can be restored for some seconds.
ALTER TABLE entry ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;

CREATE INDEX entry_deleted_at ON entry (deleted_at) WHERE deleted_at <> 0;
CREATE INDEX entry_by_time ON entry (received_at);
