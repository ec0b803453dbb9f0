//! The embedded database: migrations, transactions, group commit.
