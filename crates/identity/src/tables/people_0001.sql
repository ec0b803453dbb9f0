ALTER TABLE identity_session ADD COLUMN proofs TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE identity_session ADD COLUMN source TEXT;
ALTER TABLE identity_session ADD COLUMN agent TEXT;
ALTER TABLE identity_refresh_family ADD COLUMN proofs TEXT NOT NULL DEFAULT 'pwd';
CREATE TABLE identity_login_step (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    bound_to BLOB NOT NULL,
    user_id TEXT NOT NULL,
    credential BLOB NOT NULL,
    return_to TEXT NOT NULL,
    tries BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_login_step_expires ON identity_login_step (expires);
CREATE TABLE identity_totp (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX identity_totp_user ON identity_totp (tenant_id, user_id);
CREATE TABLE identity_recovery_code (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    created BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, user_id, hash)
);
