CREATE TABLE identity_email (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    address TEXT NOT NULL,
    is_primary BIGINT NOT NULL,
    created BIGINT NOT NULL,
    verified_at BIGINT,
    PRIMARY KEY (tenant_id, user_id, address)
);
CREATE UNIQUE INDEX identity_email_verified ON identity_email (tenant_id, address)
    WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX identity_email_primary ON identity_email (tenant_id, user_id)
    WHERE is_primary = 1;
CREATE TABLE action_token_invite (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    user_id TEXT NOT NULL,
    credential BLOB NOT NULL,
    address TEXT NOT NULL,
    expires BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX action_token_invite_expires ON action_token_invite (expires);
CREATE TABLE action_token_reset_password (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    user_id TEXT NOT NULL,
    credential BLOB NOT NULL,
    address TEXT NOT NULL,
    expires BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX action_token_reset_password_expires ON action_token_reset_password (expires);
CREATE TABLE action_token_verify_email (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    user_id TEXT NOT NULL,
    credential BLOB NOT NULL,
    address TEXT NOT NULL,
    expires BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX action_token_verify_email_expires ON action_token_verify_email (expires);
CREATE TABLE identity_reset_request (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE identity_outbox (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    tries BIGINT NOT NULL,
    due BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX identity_outbox_due ON identity_outbox (due);
CREATE INDEX identity_outbox_expires ON identity_outbox (expires);
