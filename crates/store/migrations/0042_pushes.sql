-- Who has pushed what into a repository: whether somebody may approve his own revision is decided by it.
CREATE TABLE codecommit_push (
    repository TEXT NOT NULL,
    object TEXT NOT NULL,
    principal TEXT NOT NULL,
    PRIMARY KEY (repository, object, principal)
);
