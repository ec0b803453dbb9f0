-- Whose the single ones are: of too many, one of their `sub` stands for the tokens among them.
DROP INDEX identity_revocation_client;
ALTER TABLE identity_revocation DROP COLUMN client_id;
ALTER TABLE identity_revocation ADD COLUMN subject TEXT;
CREATE INDEX identity_revocation_subject ON identity_revocation (tenant_id, subject);
