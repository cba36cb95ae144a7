-- Times are milliseconds since the epoch, UTC. Booleans are 0 or 1. An empty text means "none".

CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE push_service (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    uaid TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE site (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    url TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'alert',
    needs_pairing INTEGER NOT NULL DEFAULT 0,
    added_at INTEGER NOT NULL
) STRICT;

-- A channel outlives its site until the push service has confirmed that it is gone (state 'removed').
CREATE TABLE channel (
    id TEXT NOT NULL PRIMARY KEY,
    site_id TEXT REFERENCES site (id) ON DELETE SET NULL,
    push_service_id INTEGER NOT NULL REFERENCES push_service (id),
    application_server_key TEXT NOT NULL DEFAULT '',
    endpoint TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'registered', 'removed'))
) STRICT;

CREATE INDEX channel_by_site ON channel (site_id);

-- What was received once is never shown again, whatever happens to the history. SHA-256 of the version.
CREATE TABLE seen_version (
    channel_id TEXT NOT NULL,
    version BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (channel_id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_version_by_time ON seen_version (seen_at);

CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id TEXT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    received_at INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    -- The whole notification as JSON, for showing it again.
    notification TEXT NOT NULL,
    -- The decrypted payload without its secrets; NULL when there was none.
    raw BLOB,
    disposition TEXT NOT NULL CHECK (disposition IN ('shown', 'recorded')),
    -- 'pending' until the notification server has it.
    presentation TEXT NOT NULL CHECK (presentation IN ('none', 'pending', 'handed')),
    sound INTEGER NOT NULL DEFAULT 0,
    read INTEGER NOT NULL DEFAULT 0,
    failure TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX entry_by_site ON entry (site_id, id);
CREATE INDEX entry_pending ON entry (id) WHERE presentation = 'pending';
CREATE INDEX entry_unread ON entry (site_id) WHERE read = 0;

CREATE VIRTUAL TABLE entry_text USING fts5 (title, body, content = 'entry', content_rowid = 'id');

-- Without this, deleted words stay in the index until it is merged.
INSERT INTO entry_text (entry_text, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER entry_inserted AFTER INSERT ON entry BEGIN
    INSERT INTO entry_text (rowid, title, body) VALUES (new.id, new.title, new.body);
END;

CREATE TRIGGER entry_deleted AFTER DELETE ON entry BEGIN
    INSERT INTO entry_text (entry_text, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
END;
