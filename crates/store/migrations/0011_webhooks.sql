-- token: sealed under the installation's key.
CREATE TABLE codebuild_credential (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    server_type TEXT NOT NULL,
    auth_type TEXT NOT NULL,
    username TEXT,
    resource TEXT,
    token {BLOB} NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, region, server_type)
);

-- token: what the payload URL ends in. secret: sealed under the installation's key.
CREATE TABLE codebuild_webhook (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    secret {BLOB} NOT NULL,
    config TEXT NOT NULL,
    secret_changed BIGINT NOT NULL,
    PRIMARY KEY (account, region, project)
);

-- Deliveries that were taken, by their id and by the digest of their body: none is taken twice.
CREATE TABLE codebuild_delivery (
    webhook TEXT NOT NULL,
    mark TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (webhook, mark)
);
CREATE INDEX codebuild_delivery_by_time ON codebuild_delivery (taken);

-- The newest commit of each pull request that waits for an approving comment.
CREATE TABLE codebuild_pull_request (
    webhook TEXT NOT NULL,
    number BIGINT NOT NULL,
    head TEXT NOT NULL,
    event TEXT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (webhook, number)
);
