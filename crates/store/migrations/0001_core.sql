CREATE TABLE machine (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    parent TEXT NOT NULL,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX machine_by_parent ON machine (kind, account, region, parent, created, id);
CREATE INDEX machine_by_time ON machine (kind, account, region, created, id);
CREATE INDEX machine_by_status ON machine (kind, status);

-- Version 0 holds the state that the row began with, so that the log alone gives the present state.
CREATE TABLE input (
    kind TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    input TEXT NOT NULL,
    PRIMARY KEY (kind, machine_id, version)
);

-- visible: nobody may claim the row before this time. A claim moves it into the future (the lease).
CREATE TABLE outbox (
    seq {AUTOID},
    kind TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key TEXT NOT NULL,
    effect TEXT NOT NULL,
    created BIGINT NOT NULL,
    visible BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    owner TEXT NOT NULL,
    UNIQUE (kind, machine_id, key)
);
CREATE INDEX outbox_visible ON outbox (visible, seq);

CREATE TABLE timer (
    kind TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    key TEXT NOT NULL,
    due BIGINT NOT NULL,
    input TEXT NOT NULL,
    PRIMARY KEY (kind, machine_id, key)
);
CREATE INDEX timer_due ON timer (due);

CREATE TABLE event (
    seq {AUTOID},
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    source TEXT NOT NULL,
    detail_type TEXT NOT NULL,
    time BIGINT NOT NULL,
    body TEXT NOT NULL,
    published BIGINT
);
CREATE INDEX event_pending ON event (seq) WHERE published IS NULL;
