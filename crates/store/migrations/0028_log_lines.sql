-- How many events a row holds: one, or the lines of a text that arrived at once.
ALTER TABLE logs_event ADD COLUMN lines BIGINT NOT NULL DEFAULT 1;
