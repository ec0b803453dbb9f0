//! The vault's tables. Names of secrets, versions and times are plain; values and keys are sealed.

use ringwall_store::Migration;

/// To be given to `Store::open`.
pub const MIGRATIONS: &[Migration] = &[Migration { area: "vault", version: 1, sql: TABLES }];

const TABLES: &str = "
CREATE TABLE vault_root (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key_check BLOB NOT NULL,
    changed BIGINT NOT NULL
);
CREATE TABLE vault_kek (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    version BIGINT NOT NULL,
    wrapped BLOB NOT NULL,
    wraps BIGINT NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (purpose, version)
);
CREATE TABLE vault_secret (
    name TEXT NOT NULL PRIMARY KEY,
    last_version BIGINT NOT NULL,
    is_removed BIGINT NOT NULL
);
CREATE TABLE vault_secret_version (
    name TEXT NOT NULL REFERENCES vault_secret (name),
    version BIGINT NOT NULL,
    kek TEXT NOT NULL REFERENCES vault_kek (id),
    sealed BLOB NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE INDEX vault_secret_version_kek ON vault_secret_version (kek);
CREATE TABLE vault_key (
    purpose TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    kek TEXT NOT NULL REFERENCES vault_kek (id),
    sealed BLOB NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (purpose, id)
);
CREATE INDEX vault_key_kek ON vault_key (kek);
";
