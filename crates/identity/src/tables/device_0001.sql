-- The access token that a device got, for whoever takes its consent back.
ALTER TABLE identity_device_code ADD COLUMN token_id TEXT;
CREATE INDEX identity_device_code_person ON identity_device_code
    (tenant_id, user_tenant, user_id, client_id);
