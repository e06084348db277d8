-- Whose word counts.
CREATE TABLE owners (
    key         TEXT PRIMARY KEY,
    since       INTEGER NOT NULL,
    muted_until INTEGER
) STRICT;

-- By which an answer names its question, and when and how the answer came: `terminal`, or the key
-- that wrote it. What is older gets a code from its handle, in Crockford's base32.
ALTER TABLE questions ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE questions ADD COLUMN answered_at INTEGER;
ALTER TABLE questions ADD COLUMN answered_via TEXT;
WITH digits (all_of_them) AS (VALUES ('0123456789ABCDEFGHJKMNPQRSTVWXYZ'))
UPDATE questions SET code = substr(all_of_them, 1 + (handle >> 15 & 31), 1)
    || substr(all_of_them, 1 + (handle >> 10 & 31), 1)
    || substr(all_of_them, 1 + (handle >> 5 & 31), 1)
    || substr(all_of_them, 1 + (handle & 31), 1)
FROM digits;
UPDATE questions SET answered_at = at, answered_via = 'terminal' WHERE answer IS NOT NULL;

-- Direct messages of ours to owners, to which a reply may refer.
CREATE TABLE notes (
    rumor    TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    message  INTEGER NOT NULL,
    call     TEXT,
    question INTEGER,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX notes_at ON notes (at);
CREATE INDEX notes_question ON notes (question) WHERE question IS NOT NULL;
CREATE INDEX notes_call ON notes (call) WHERE call IS NOT NULL;

-- Calls in which a human speaks.
CREATE TABLE takeovers (
    call TEXT PRIMARY KEY,
    via  TEXT NOT NULL,                     -- `terminal`, or a key
    last INTEGER NOT NULL
) STRICT;

-- Tokens that let whoever has one ring; only their hashes.
CREATE TABLE invites (
    id      INTEGER PRIMARY KEY,
    hash    TEXT NOT NULL,
    uses    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
