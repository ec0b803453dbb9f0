-- What waits for a person, by the network that asked for it; empty: by a client that proved itself.
ALTER TABLE identity_par_request ADD COLUMN network BLOB NOT NULL DEFAULT x'';
ALTER TABLE identity_device_code ADD COLUMN network BLOB NOT NULL DEFAULT x'';
DROP INDEX identity_par_request_client;
DROP INDEX identity_device_code_client;
CREATE INDEX identity_par_request_network
    ON identity_par_request (tenant_id, client_id, network, expires);
CREATE INDEX identity_device_code_network
    ON identity_device_code (tenant_id, client_id, network, expires);
