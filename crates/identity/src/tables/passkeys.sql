CREATE TABLE identity_passkey (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    credential BLOB NOT NULL,
    key BLOB NOT NULL,
    counter BIGINT NOT NULL,
    is_backup_eligible BIGINT NOT NULL,
    is_backed_up BIGINT NOT NULL,
    aaguid BLOB NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX identity_passkey_credential ON identity_passkey (tenant_id, credential);
CREATE INDEX identity_passkey_user ON identity_passkey (tenant_id, user_id);
CREATE TABLE identity_webauthn_challenge (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_webauthn_challenge_expires
    ON identity_webauthn_challenge (tenant_id, expires);
