-- Notification rules: which events of a resource are told to which targets.
-- resource: an ARN. event_types, tags: JSON. request: a digest of what made it, for its idempotency token.
CREATE TABLE codestar_notifications_rule (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    detail_type TEXT NOT NULL,
    status TEXT NOT NULL,
    event_types TEXT NOT NULL,
    created_by TEXT NOT NULL,
    request TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX codestar_notifications_rule_by_name ON codestar_notifications_rule (account, region, name);
CREATE INDEX codestar_notifications_rule_by_resource ON codestar_notifications_rule (account, region, resource);

-- Where notices go. kind: the model's TargetType.
CREATE TABLE codestar_notifications_target (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (account, region, address)
);

-- sent, unsent: how many notices of the rule have reached the target, and how many have not.
CREATE TABLE codestar_notifications_subscription (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    rule TEXT NOT NULL,
    address TEXT NOT NULL,
    sent BIGINT NOT NULL,
    unsent BIGINT NOT NULL,
    PRIMARY KEY (account, region, rule, address)
);
CREATE INDEX codestar_notifications_subscription_by_target ON codestar_notifications_subscription (account, region, address);
