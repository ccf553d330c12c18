-- Notices of approvals: how many have reached their topic, and how many have not.
CREATE TABLE approval_notice (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    sent BIGINT NOT NULL,
    unsent BIGINT NOT NULL,
    PRIMARY KEY (account, region)
);
