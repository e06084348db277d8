-- The store's first shape.
--
-- Sealed columns are BLOBs and are marked so: nonce, ciphertext, tag, bound to table, row and
-- column. Ids are lower-case hex, calls are UUIDs, a conversation is `c:<uuid>` or `d:<key>`,
-- times are milliseconds since the epoch. Unsigned 64-bit numbers keep their bits.

-- The data key, wrapped by the identity's key.
CREATE TABLE vault (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    data_key BLOB NOT NULL
) STRICT;

-- Small facts of the daemon.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL                     -- sealed
) STRICT;

-- The last handle of each series.
CREATE TABLE counters (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    calls     INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    files     INTEGER NOT NULL,
    questions INTEGER NOT NULL,
    events    INTEGER NOT NULL
) STRICT;

CREATE TABLE peers (
    key      TEXT PRIMARY KEY,
    name     BLOB,                          -- sealed
    claimed  BLOB,                          -- sealed
    standing TEXT NOT NULL,
    speaks   TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;

CREATE TABLE calls (
    id              TEXT PRIMARY KEY,
    handle          INTEGER NOT NULL UNIQUE,
    peer            TEXT NOT NULL,
    outgoing        INTEGER NOT NULL,
    topic           BLOB NOT NULL,          -- sealed
    opening         BLOB,                   -- sealed
    note            BLOB,                   -- sealed
    opened          INTEGER NOT NULL,
    answered        INTEGER,
    lifetime        INTEGER NOT NULL,       -- seconds
    phase           TEXT NOT NULL,
    -- dialing, ringing, incoming, connecting
    expires         INTEGER,
    -- dialing, connecting
    resend_attempts INTEGER,
    resend_last     INTEGER,
    -- dialing
    sign            INTEGER,
    -- incoming
    knock           INTEGER,
    -- connecting
    replaces        TEXT,
    -- ended
    ended_at        INTEGER,
    ended_by        TEXT,
    reason          TEXT,
    reason_text     BLOB,                   -- sealed
    merged_into     TEXT,
    last_numbers    TEXT,                   -- JSON: stream to its last number
    word_attempts   INTEGER,
    word_last       INTEGER
) STRICT;
CREATE INDEX calls_open ON calls (handle) WHERE phase <> 'ended';

CREATE TABLE messages (
    handle       INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    peer         TEXT NOT NULL,
    outgoing     INTEGER NOT NULL,
    by_human     INTEGER NOT NULL,
    rumor        TEXT NOT NULL,
    stream       TEXT,
    number       INTEGER,
    content      TEXT NOT NULL,
    body         BLOB NOT NULL,             -- sealed: words, question, file name or type
    options      BLOB,                      -- sealed JSON, of an escalation
    file         INTEGER,
    at           INTEGER NOT NULL,
    claimed_at   INTEGER NOT NULL,          -- seconds
    delivery     TEXT NOT NULL,
    relays_ok    INTEGER NOT NULL DEFAULT 0,
    relays       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX messages_conversation ON messages (conversation, handle);
CREATE INDEX messages_rumor ON messages (rumor);
CREATE INDEX messages_sent ON messages (at) WHERE outgoing = 1;

CREATE TABLE streams_out (
    place        INTEGER PRIMARY KEY,       -- in the order of opening
    id           TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL,
    peer         TEXT NOT NULL,
    lane         TEXT NOT NULL,
    file         INTEGER,
    last         INTEGER NOT NULL,
    acked        INTEGER NOT NULL,
    read         INTEGER NOT NULL
) STRICT;

CREATE TABLE streams_in (
    place        INTEGER PRIMARY KEY,       -- in the order of opening
    id           TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL,
    peer         TEXT NOT NULL,
    lane         TEXT NOT NULL,
    file         INTEGER,
    upto         INTEGER NOT NULL,
    upto_id      TEXT,
    read         INTEGER NOT NULL
) STRICT;

-- Rumors that wait for their acknowledgement.
CREATE TABLE outbox (
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    rumor  BLOB NOT NULL,                   -- sealed JSON
    taken  INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
) STRICT;

-- Rumors beyond a gap.
CREATE TABLE held (
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    rumor  BLOB NOT NULL,                   -- sealed JSON
    PRIMARY KEY (stream, number)
) STRICT;

-- Pieces of files that are not whole.
CREATE TABLE chunks (
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    rumor  TEXT NOT NULL,
    size   INTEGER NOT NULL,
    bytes  BLOB NOT NULL,                   -- sealed
    PRIMARY KEY (stream, number)
) STRICT;

-- Rumors that were taken in.
CREATE TABLE seen (
    rumor TEXT PRIMARY KEY,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Calls that ended before they were known here.
CREATE TABLE tombstones (
    call   TEXT PRIMARY KEY,
    peer   TEXT NOT NULL,
    reason TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

CREATE TABLE files (
    handle   INTEGER PRIMARY KEY,
    call     TEXT NOT NULL,
    peer     TEXT NOT NULL,
    outgoing INTEGER NOT NULL,
    name     BLOB NOT NULL,                 -- sealed
    size     INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    stream   TEXT NOT NULL,
    chunk    INTEGER NOT NULL,
    state    TEXT NOT NULL,
    detail   BLOB,                          -- sealed: the path, or why it failed
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX files_call ON files (call, handle);
CREATE INDEX files_transferring ON files (call) WHERE state = 'transferring';

CREATE TABLE questions (
    handle   INTEGER PRIMARY KEY,
    call     TEXT NOT NULL,
    question BLOB NOT NULL,                 -- sealed
    options  BLOB NOT NULL,                 -- sealed JSON
    quiet    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    answer   BLOB                           -- sealed
) STRICT;

-- The owner's channels that a question was given to.
CREATE TABLE told (
    question INTEGER NOT NULL REFERENCES questions (handle) ON DELETE CASCADE,
    place    INTEGER NOT NULL,              -- in the order of telling
    channel  BLOB NOT NULL,                 -- sealed: an address may be in it
    ok       INTEGER NOT NULL,
    PRIMARY KEY (question, place)
) STRICT;

CREATE TABLE events (
    seq          INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    conversation TEXT NOT NULL,
    subject      INTEGER,
    text         BLOB                       -- sealed
) STRICT;
CREATE INDEX events_conversation ON events (conversation, seq);

-- How far each reader was shown the events of each conversation.
CREATE TABLE cursors (
    reader       TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (reader, conversation)
) STRICT, WITHOUT ROWID;
