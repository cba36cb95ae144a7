-- Messages that could not be read yet, as they came: acknowledged, so that they hold up nothing, and kept until they can.
CREATE TABLE withheld (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    -- 'keys': the keyring lacks the channel's; 'failed': a row of ours could not be read.
    reason TEXT NOT NULL CHECK (reason IN ('keys', 'failed')),
    -- 0: the sender posted an empty body.
    has_body INTEGER NOT NULL,
    content_encoding TEXT NOT NULL DEFAULT '',
    encryption TEXT NOT NULL DEFAULT '',
    crypto_key TEXT NOT NULL DEFAULT '',
    -- Encrypted. NULL: it was not base64url.
    data BLOB
) STRICT;

CREATE INDEX withheld_by_channel ON withheld (channel_id);

-- Channels whose key is to be deleted from the keyring: the row goes first, the key last, whatever happens in between.
CREATE TABLE forsaken_key (
    channel_id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER channel_removed AFTER UPDATE OF state ON channel WHEN new.state = 'removed' BEGIN
    INSERT INTO forsaken_key (channel_id) VALUES (new.id) ON CONFLICT DO NOTHING;
    DELETE FROM withheld WHERE channel_id = new.id;
END;

CREATE TRIGGER channel_deleted AFTER DELETE ON channel BEGIN
    INSERT INTO forsaken_key (channel_id) VALUES (old.id) ON CONFLICT DO NOTHING;
    DELETE FROM withheld WHERE channel_id = old.id;
END;

-- A database of before has all its sites; a new one gets those that the keyring remembers.
INSERT INTO setting (key, value) SELECT 'sites_complete', '1' WHERE EXISTS (SELECT 1 FROM site);
