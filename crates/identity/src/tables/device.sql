CREATE TABLE identity_device_code (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    user_hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    expires BIGINT NOT NULL,
    pace BIGINT NOT NULL,
    polled_at BIGINT,
    is_approved BIGINT,
    user_id TEXT,
    sid TEXT,
    authenticated BIGINT,
    consumed_at BIGINT,
    PRIMARY KEY (tenant_id, hash),
    UNIQUE (tenant_id, user_hash)
);
CREATE INDEX identity_device_code_client ON identity_device_code (tenant_id, client_id, expires);
CREATE INDEX identity_device_code_expires ON identity_device_code (expires);
