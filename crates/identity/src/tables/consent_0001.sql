CREATE TABLE identity_consent (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    resource TEXT NOT NULL,
    granted BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id, scope, resource)
);
CREATE INDEX identity_consent_expires ON identity_consent (tenant_id, expires);
