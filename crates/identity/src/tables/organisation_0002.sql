-- What else ends with an organisation.
CREATE INDEX identity_device_code_tenant ON identity_device_code (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX identity_login_step_tenant ON identity_login_step (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX action_token_invite_tenant ON action_token_invite (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX action_token_reset_password_tenant ON action_token_reset_password (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
CREATE INDEX action_token_verify_email_tenant ON action_token_verify_email (tenant_id, user_tenant)
    WHERE user_tenant <> 'default';
-- A client that is removed takes the consents of people of all organisations along.
CREATE INDEX identity_consent_client ON identity_consent (client_id);
