CREATE TABLE iam_account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created BIGINT NOT NULL
);

-- folded: the name in lower case; names that differ by case alone are the same name.
CREATE TABLE iam_user (
    account TEXT NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    boundary TEXT,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, folded)
);

-- owner: a user's id, or the account's number for its root.
-- secret: in the clear, because a signature can only be checked with it; the file has mode 0600.
CREATE TABLE iam_access_key (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    secret TEXT NOT NULL,
    status TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    last_service TEXT,
    last_region TEXT
);
CREATE INDEX iam_access_key_by_owner ON iam_access_key (account, owner, id);

CREATE TABLE iam_role (
    account TEXT NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    description TEXT,
    trust TEXT NOT NULL,
    max_session_seconds BIGINT NOT NULL,
    boundary TEXT,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    last_region TEXT,
    PRIMARY KEY (account, folded)
);

-- owner: the id of a user or role.
CREATE TABLE iam_inline_policy (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (owner, name)
);

CREATE TABLE iam_policy (
    account TEXT NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    description TEXT,
    default_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (account, folded)
);

CREATE TABLE iam_policy_version (
    policy TEXT NOT NULL,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (policy, version)
);

-- policy: the id of a managed policy, or the whole ARN of one that AWS manages.
CREATE TABLE iam_attachment (
    owner TEXT NOT NULL,
    policy TEXT NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (owner, policy)
);
CREATE INDEX iam_attachment_by_policy ON iam_attachment (account, policy);

CREATE TABLE iam_service_credential (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    service TEXT NOT NULL,
    service_user TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    UNIQUE (service, service_user)
);
CREATE INDEX iam_service_credential_by_owner ON iam_service_credential (account, owner);

-- owner: the id of a role or user, or the account's number for its root.
-- role and session are empty for the sessions of users and of the root.
CREATE TABLE sts_session (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    role TEXT NOT NULL,
    session TEXT NOT NULL,
    secret TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sts_session_by_owner ON sts_session (owner);
CREATE INDEX sts_session_by_expiry ON sts_session (expires);
