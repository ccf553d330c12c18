CREATE TABLE logs_group (
    id {AUTOID},
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    class TEXT NOT NULL,
    kms_key TEXT,
    retention_days BIGINT,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (account, region, name)
);

-- The times of events are milliseconds since 1970, as the API has them.
CREATE TABLE logs_stream (
    id {AUTOID},
    log_group BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    first_event_ms BIGINT,
    last_event_ms BIGINT,
    last_ingestion BIGINT,
    stored_bytes BIGINT NOT NULL,
    UNIQUE (log_group, name)
);
CREATE INDEX logs_stream_by_event ON logs_stream (log_group, (COALESCE(last_event_ms, 0)), name);

CREATE TABLE logs_event (
    seq {AUTOID},
    log_group BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    ingested BIGINT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX logs_event_by_stream ON logs_event (stream, time_ms, seq);
CREATE INDEX logs_event_by_group ON logs_event (log_group, time_ms, seq);

-- Streams that are gone but whose events are not yet: a group with millions of events goes at once, and a sweep
-- removes its events piece by piece.
CREATE TABLE logs_garbage (
    stream BIGINT PRIMARY KEY
);
