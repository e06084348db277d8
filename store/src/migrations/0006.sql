-- The callee's invite token, sealed, while a call of ours rings.
ALTER TABLE calls ADD COLUMN invite BLOB;

-- The last number of an invite. Numbers of invites are never given out twice.
ALTER TABLE counters ADD COLUMN invites INTEGER NOT NULL DEFAULT 0;
UPDATE counters SET invites = (SELECT coalesce(max(id), 0) FROM invites);
