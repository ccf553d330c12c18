CREATE TABLE s3_bucket (
    name TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    versioning TEXT NOT NULL,
    tags TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX s3_bucket_by_account ON s3_bucket (account, name);

-- One row per version of an object, delete markers included. Keys are bytes, so that both engines sort them alike.
-- age: smaller is newer, so that one ascending index gives S3's order (keys ascending, newest version first).
CREATE TABLE s3_version (
    bucket TEXT NOT NULL,
    key {BLOB} NOT NULL,
    age BIGINT NOT NULL,
    version_id TEXT NOT NULL,
    latest BIGINT NOT NULL,
    marker BIGINT NOT NULL,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    modified BIGINT NOT NULL,
    storage_class TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum_type TEXT,
    checksum TEXT,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    blob TEXT,
    parts TEXT,
    content {BLOB},
    PRIMARY KEY (bucket, key, age)
);
-- What a plain listing walks: neither old versions nor markers are in its way.
CREATE INDEX s3_version_current ON s3_version (bucket, key) WHERE latest = 1 AND marker = 0;
CREATE INDEX s3_version_blob ON s3_version (blob) WHERE blob IS NOT NULL;

CREATE TABLE s3_upload (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key {BLOB} NOT NULL,
    initiator TEXT NOT NULL,
    initiated BIGINT NOT NULL,
    storage_class TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum_type TEXT,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE INDEX s3_upload_by_key ON s3_upload (bucket, key, initiated, id);

-- The parts of an upload, and after its completion of the version whose column `parts` names them.
CREATE TABLE s3_part (
    upload TEXT NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    md5 TEXT NOT NULL,
    modified BIGINT NOT NULL,
    checksum TEXT,
    blob TEXT,
    content {BLOB},
    PRIMARY KEY (upload, number)
);
CREATE INDEX s3_part_blob ON s3_part (blob) WHERE blob IS NOT NULL;
