-- service: the name under which it was made, which its ARN keeps. host: an ARN.
CREATE TABLE codeconnections_connection (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    host TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (account, region, id)
);

CREATE TABLE codeconnections_host (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (account, region, id)
);

-- Deliveries of git servers that were taken: none is taken twice.
CREATE TABLE codeconnections_delivery (
    connection TEXT NOT NULL,
    mark TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (connection, mark)
);
CREATE INDEX codeconnections_delivery_by_time ON codeconnections_delivery (taken);

-- The newest revision of each source that is polled: none starts its pipeline twice.
CREATE TABLE codepipeline_poll (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    action TEXT NOT NULL,
    source TEXT NOT NULL,
    revision TEXT NOT NULL,
    PRIMARY KEY (account, region, pipeline, action)
);
