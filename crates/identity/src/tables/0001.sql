CREATE TABLE identity_user (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_disabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);
CREATE TABLE identity_password (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    phc TEXT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE TABLE identity_role (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role)
);
CREATE TABLE identity_session (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    sid TEXT NOT NULL,
    user_id TEXT NOT NULL,
    authenticated BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_session_user ON identity_session (tenant_id, user_id);
CREATE INDEX identity_session_expires ON identity_session (expires);
CREATE TABLE identity_client (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    settings TEXT NOT NULL,
    is_disabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE identity_client_secret (
    tenant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, hash)
);
CREATE TABLE identity_code (
    tenant_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    nonce TEXT,
    scope TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    authenticated BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    consumed_at BIGINT,
    token_id TEXT,
    PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX identity_code_expires ON identity_code (expires);
CREATE TABLE identity_key (
    tenant_id TEXT NOT NULL,
    kid TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    published BIGINT NOT NULL,
    activated BIGINT,
    retired BIGINT,
    PRIMARY KEY (tenant_id, kid)
);
CREATE TABLE identity_revocation (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, value)
);
CREATE INDEX identity_revocation_until ON identity_revocation (until);
