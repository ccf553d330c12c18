-- export: ReportExportConfig in canonical JSON. tags: a list of keys and values.
CREATE TABLE codebuild_report_group (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    export TEXT NOT NULL,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- id: GROUP:UUID, as in the ARN. build: the ARN of the build that made it. summary: testSummary or codeCoverageSummary.
CREATE TABLE codebuild_report (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    report_group TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    build TEXT NOT NULL,
    export TEXT NOT NULL,
    truncated BIGINT NOT NULL,
    summary TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE INDEX codebuild_report_by_time ON codebuild_report (account, region, created, id);
CREATE INDEX codebuild_report_by_group ON codebuild_report (account, region, report_group, created, id);
CREATE INDEX codebuild_report_by_end ON codebuild_report (expires);

-- seq: the place in the report.
CREATE TABLE codebuild_test_case (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    report TEXT NOT NULL,
    seq BIGINT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    suite TEXT NOT NULL,
    status TEXT NOT NULL,
    duration_nanos BIGINT NOT NULL,
    message TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (account, region, report, seq)
);

CREATE TABLE codebuild_coverage (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    report TEXT NOT NULL,
    seq BIGINT NOT NULL,
    path TEXT NOT NULL,
    lines_covered BIGINT NOT NULL,
    lines_missed BIGINT NOT NULL,
    branches_covered BIGINT NOT NULL,
    branches_missed BIGINT NOT NULL,
    PRIMARY KEY (account, region, report, seq)
);

-- namespace: a project's name, or the cacheNamespace that projects share. Archives are kept per generation.
CREATE TABLE codebuild_cache (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (account, region, namespace)
);
