//! Grants and Cedar policies compiled to decisions.
