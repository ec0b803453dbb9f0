CREATE TABLE identity_par_request (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    expires BIGINT NOT NULL,
    opened_at BIGINT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_par_request_client ON identity_par_request (tenant_id, client_id, expires);
CREATE INDEX identity_par_request_expires ON identity_par_request (expires);
