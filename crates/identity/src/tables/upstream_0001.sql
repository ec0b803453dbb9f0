CREATE TABLE identity_link (
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    is_origin INTEGER NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject),
    UNIQUE (tenant_id, user_tenant, user_id, issuer)
);
CREATE TABLE identity_upstream_state (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_upstream_state_expires ON identity_upstream_state (tenant_id, expires);
ALTER TABLE identity_login_step ADD COLUMN proofs TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE identity_login_step ADD COLUMN authenticated BIGINT;
