-- What both ends told each other of a call once it was over.
ALTER TABLE calls ADD COLUMN digests BLOB;  -- sealed JSON
