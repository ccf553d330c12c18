-- Sessions that builds run under, and those that such a session has made.
ALTER TABLE sts_session ADD COLUMN of_build BIGINT NOT NULL DEFAULT 0;
