CREATE TABLE identity_opaque_token (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_opaque_token_expires ON identity_opaque_token (tenant_id, expires);
