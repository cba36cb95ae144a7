-- Times are whole seconds since the Unix epoch.

-- A user agent that registered a channel at least once.
CREATE TABLE user_agent (
    uaid    BLOB    NOT NULL PRIMARY KEY CHECK (length(uaid) = 16),
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ids are never used twice: a message accepted for a channel that was just given up must not reach the next one.
CREATE TABLE channel (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_agent BLOB    NOT NULL REFERENCES user_agent (uaid) ON DELETE CASCADE,
    channel_id TEXT    NOT NULL,
    UNIQUE (user_agent, channel_id)
) STRICT;

-- One row per endpoint handed out. Only hashes are kept, so this file gives nobody an endpoint.
-- Without a channel it is the tombstone of a revoked endpoint, which answers 410 rather than 404.
CREATE TABLE endpoint (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    channel    INTEGER          REFERENCES channel (id) ON DELETE SET NULL,
    key_hash   BLOB             CHECK (length(key_hash) = 32),
    revoked_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX endpoint_of_channel ON endpoint (channel) WHERE channel IS NOT NULL;
CREATE INDEX endpoint_revoked ON endpoint (revoked_at) WHERE revoked_at > 0;

-- Accepted and not yet acknowledged. The id grows with every commit and is never used twice.
CREATE TABLE message (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_agent BLOB    NOT NULL,
    channel    INTEGER NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    version    TEXT    NOT NULL UNIQUE,
    topic      TEXT,
    urgency    TEXT    NOT NULL DEFAULT 'normal',
    expires_at INTEGER NOT NULL,
    encoding   TEXT    NOT NULL DEFAULT '',
    encryption TEXT    NOT NULL DEFAULT '',
    crypto_key TEXT    NOT NULL DEFAULT '',
    data       BLOB,
    UNIQUE (channel, topic)
) STRICT;

CREATE INDEX message_of_user_agent ON message (user_agent, topic IS NULL, id);
CREATE INDEX message_expiry ON message (expires_at);
