-- Drivers that share the database, and until when each is known to live or may have lived.
CREATE TABLE driver_owner (
    owner TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
