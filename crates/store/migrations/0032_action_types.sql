-- Action types that an account has registered, as JSON. A deleted one stays: its version cannot be made again.
CREATE TABLE codepipeline_action_type (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    category TEXT NOT NULL,
    provider TEXT NOT NULL,
    version TEXT NOT NULL,
    definition TEXT NOT NULL,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    deleted BIGINT,
    PRIMARY KEY (account, region, category, provider, version)
);

-- Workers poll all the time, and must not read all jobs that ever were.
CREATE INDEX machine_jobs ON machine (account, region, parent, status, created, id) WHERE kind = 'pipeline_job';
