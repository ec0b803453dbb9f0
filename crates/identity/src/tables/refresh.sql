CREATE TABLE identity_refresh_family (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    authenticated BIGINT NOT NULL,
    scope TEXT NOT NULL,
    cnf TEXT,
    idle BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX identity_refresh_family_user ON identity_refresh_family (tenant_id, user_id);
CREATE INDEX identity_refresh_family_sid ON identity_refresh_family (tenant_id, sid);
CREATE INDEX identity_refresh_family_client ON identity_refresh_family (tenant_id, client_id);
CREATE INDEX identity_refresh_family_idle ON identity_refresh_family (idle);
CREATE TABLE identity_refresh_token (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    family_id TEXT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    superseded_at BIGINT,
    successor BLOB,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_refresh_token_expires ON identity_refresh_token (expires);
ALTER TABLE identity_code ADD COLUMN family_id TEXT;
