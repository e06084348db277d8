-- What each relay said of a message of ours.
ALTER TABLE messages ADD COLUMN receipts BLOB;  -- sealed JSON
