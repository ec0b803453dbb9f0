-- One row for each family. Tokens from before do not show where they came from: their holders
-- sign in again.
DELETE FROM identity_refresh_family;
DROP TABLE identity_refresh_token;
ALTER TABLE identity_refresh_family ADD COLUMN key_hash BLOB;
ALTER TABLE identity_refresh_family ADD COLUMN current BLOB;
ALTER TABLE identity_refresh_family ADD COLUMN issued BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identity_refresh_family ADD COLUMN previous BLOB;
ALTER TABLE identity_refresh_family ADD COLUMN superseded_at BIGINT;
ALTER TABLE identity_refresh_family ADD COLUMN successor BLOB;
-- What has expired is found by its time: an index of the time alone loses to that of the tenant.
DROP INDEX identity_refresh_family_idle;
CREATE INDEX identity_refresh_family_idle ON identity_refresh_family (tenant_id, idle);
DROP INDEX identity_session_expires;
CREATE INDEX identity_session_expires ON identity_session (tenant_id, expires);
CREATE INDEX identity_session_seen ON identity_session (tenant_id, seen);
DROP INDEX identity_code_expires;
CREATE INDEX identity_code_expires ON identity_code (tenant_id, expires);
DROP INDEX identity_revocation_until;
CREATE INDEX identity_revocation_until ON identity_revocation (tenant_id, until);
DROP INDEX identity_device_code_expires;
CREATE INDEX identity_device_code_expires ON identity_device_code (tenant_id, expires);
DROP INDEX identity_par_request_expires;
CREATE INDEX identity_par_request_expires ON identity_par_request (tenant_id, expires);
DROP INDEX identity_login_step_expires;
CREATE INDEX identity_login_step_expires ON identity_login_step (tenant_id, expires);
