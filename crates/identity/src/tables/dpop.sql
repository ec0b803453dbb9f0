ALTER TABLE identity_code ADD COLUMN jkt TEXT;
