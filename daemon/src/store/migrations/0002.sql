-- Which event told of a message is asked each time that one was read.
CREATE INDEX events_subject ON events (conversation, subject) WHERE subject IS NOT NULL;
