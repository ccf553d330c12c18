CREATE TABLE codepipeline_pipeline (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- Every version of a pipeline's declaration, as JSON.
CREATE TABLE codepipeline_declaration (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    declaration TEXT NOT NULL,
    PRIMARY KEY (account, region, name, version)
);

-- The source actions of the newest versions, found by what they watch: a branch or an object.
CREATE TABLE codepipeline_source (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    provider TEXT NOT NULL,
    container TEXT NOT NULL,
    item TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    action TEXT NOT NULL,
    polls BIGINT NOT NULL,
    PRIMARY KEY (account, region, provider, container, item, pipeline, action)
);
CREATE INDEX codepipeline_source_by_pipeline ON codepipeline_source (account, region, pipeline);
