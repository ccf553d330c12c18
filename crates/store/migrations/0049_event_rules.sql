-- pattern: JSON. machine: the row of kind schedule that fires it. tags: JSON.
CREATE TABLE events_rule (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    pattern TEXT,
    schedule TEXT,
    machine TEXT,
    state TEXT NOT NULL,
    description TEXT,
    role TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- definition: the target as it was given, JSON. started, failed: what became of the events that matched.
CREATE TABLE events_target (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    rule TEXT NOT NULL,
    id TEXT NOT NULL,
    arn TEXT NOT NULL,
    definition TEXT NOT NULL,
    started BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (account, region, rule, id)
);
CREATE INDEX events_target_by_arn ON events_target (account, region, arn, rule);
