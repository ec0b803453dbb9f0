-- Whose the single ones are: of too many, one of the client stands for them.
ALTER TABLE identity_revocation ADD COLUMN client_id TEXT;
CREATE INDEX identity_revocation_client ON identity_revocation (tenant_id, client_id);
