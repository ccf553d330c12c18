-- default_branch: empty until the first branch exists.
-- ref_number counts the changes of refs: it names events, and tells whether the copy on disk is current.
CREATE TABLE codecommit_repository (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    default_branch TEXT,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    ref_number BIGINT NOT NULL,
    UNIQUE (account, region, name)
);

-- The refs as they are; what lies on disk is a copy. object: 40 hexadecimal digits.
CREATE TABLE codecommit_ref (
    repository TEXT NOT NULL,
    name TEXT NOT NULL,
    object TEXT NOT NULL,
    PRIMARY KEY (repository, name)
);
