-- Which event told of a message is asked each time that one was read.
CREATE INDEX events_subject ON events (conversation, subject) WHERE subject IS NOT NULL;

-- The id of the last rumor, which the next one names.
ALTER TABLE streams_out ADD COLUMN last_id TEXT;
