//! Envelope encryption, key hierarchy and versioned secrets.
