-- Notifications on a notification server's screen. It keeps them while we are gone, and reports clicks on them later.
CREATE TABLE card (
    -- As the server gave it.
    id INTEGER PRIMARY KEY,
    -- The run of the server: another one gives the same ids to others.
    server TEXT NOT NULL,
    -- 0: it is about several entries, or about none. One that was deleted may still be on screen.
    entry_id INTEGER NOT NULL,
    site_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    clickable INTEGER NOT NULL,
    buttons INTEGER NOT NULL
) STRICT;

-- What the site itself says is new there. 0: nothing; -1: something.
ALTER TABLE site ADD COLUMN badge INTEGER NOT NULL DEFAULT 0;
