CREATE TABLE identity_session_client (
    tenant_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, sid, client_id)
);
CREATE INDEX identity_session_client_user ON identity_session_client (tenant_id, user_id);
CREATE INDEX identity_session_client_expires ON identity_session_client (tenant_id, expires);
CREATE TABLE identity_logout_message (
    tenant_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, sid, client_id)
);
CREATE INDEX identity_logout_message_due ON identity_logout_message (tenant_id, due);
