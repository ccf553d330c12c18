-- version: the newest. Versions older than the hundredth go, so the history may begin later than 1.
CREATE TABLE ssm_parameter (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- value: of a SecureString encrypted under the installation's key, else the text itself.
-- labels: a JSON list.
CREATE TABLE ssm_version (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    value {BLOB} NOT NULL,
    description TEXT,
    allowed_pattern TEXT,
    key_id TEXT,
    tier TEXT NOT NULL,
    data_type TEXT NOT NULL,
    labels TEXT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by TEXT NOT NULL,
    PRIMARY KEY (account, region, name, version)
);

-- ends: when a secret that was deleted is gone for good.
CREATE TABLE secretsmanager_secret (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    kms_key TEXT,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    accessed BIGINT,
    deleted BIGINT,
    ends BIGINT,
    UNIQUE (account, region, name)
);
CREATE INDEX secretsmanager_secret_by_end ON secretsmanager_secret (ends);

-- value: encrypted under the installation's key. kind: string or binary. stages: a JSON list.
CREATE TABLE secretsmanager_version (
    secret TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value {BLOB} NOT NULL,
    stages TEXT NOT NULL,
    created BIGINT NOT NULL,
    accessed BIGINT,
    PRIMARY KEY (secret, id)
);

-- The sessions of a build end with it.
CREATE INDEX sts_session_by_name ON sts_session (account, session);
