CREATE TABLE identity_organisation (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_disabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);
INSERT INTO identity_organisation (tenant_id, name, is_disabled, created)
    VALUES ('default', 'Default', 0, 0);
-- What is found before its person is known is the instance's, and says whose it is.
ALTER TABLE identity_session ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_code ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_device_code ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_refresh_family ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_login_step ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_session_client ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_logout_message ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE identity_passkey ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE action_token_invite ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE action_token_reset_password ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE action_token_verify_email ADD COLUMN user_tenant TEXT NOT NULL DEFAULT 'default';
-- An organisation that is disabled takes its own along. Whoever has no organisations pays nothing.
CREATE INDEX identity_session_tenant ON identity_session (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX identity_session_client_tenant ON identity_session_client (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX identity_refresh_family_tenant ON identity_refresh_family (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
-- What has expired, and who has an address, is looked for in all organisations at once.
DROP INDEX identity_consent_expires;
CREATE INDEX identity_consent_expires ON identity_consent (expires);
CREATE INDEX identity_totp_pending ON identity_totp (created) WHERE confirmed_at IS NULL;
CREATE INDEX identity_email_address ON identity_email (address) WHERE verified_at IS NOT NULL;
-- A `sub` is one person's, whatever their organisation.
CREATE UNIQUE INDEX identity_user_subject ON identity_user (id);
