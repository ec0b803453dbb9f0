-- Since when codes go to another place: people are asked anew, so that nobody let it act since.
ALTER TABLE identity_registration ADD COLUMN changed BIGINT;
