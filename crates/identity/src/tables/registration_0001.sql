-- Who may register clients, and which clients registered themselves.
CREATE TABLE identity_initial_token (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    uses_left BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX identity_initial_token_hash ON identity_initial_token (tenant_id, hash);
CREATE INDEX identity_initial_token_expires ON identity_initial_token (tenant_id, expires);
CREATE TABLE identity_registration (
    tenant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    initial TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
);
CREATE INDEX identity_registration_created ON identity_registration (tenant_id, created);
