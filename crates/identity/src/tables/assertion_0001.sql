-- Assertions that were used, and that memory alone would forget at a restart.
CREATE TABLE identity_assertion (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_assertion_until ON identity_assertion (tenant_id, until);
CREATE INDEX identity_assertion_client ON identity_assertion (tenant_id, client_id);
