CREATE TABLE identity_link_ended (
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    ended BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject)
);
