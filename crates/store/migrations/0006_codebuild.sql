-- config: the project in canonical JSON, as BatchGetProjects shows it. last_build: the newest buildNumber.
CREATE TABLE codebuild_project (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    last_build BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- request: what the token was first used for, as a digest.
CREATE TABLE codebuild_token (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    request TEXT NOT NULL,
    build TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, region, token)
);

-- How far a build's output has been copied into its log: moves in the transaction that writes the lines.
CREATE TABLE codebuild_log_cursor (
    build TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
