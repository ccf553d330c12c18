-- token: what the URL ends in. secret: sealed under the installation's key. definition: JSON, without the secret.
CREATE TABLE codepipeline_webhook (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    secret {BLOB},
    definition TEXT NOT NULL,
    tags TEXT NOT NULL,
    triggered BIGINT,
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (account, region, name)
);

-- Deliveries that were taken: none is taken twice.
CREATE TABLE codepipeline_delivery (
    webhook TEXT NOT NULL,
    mark TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (webhook, mark)
);
CREATE INDEX codepipeline_delivery_by_time ON codepipeline_delivery (taken);
