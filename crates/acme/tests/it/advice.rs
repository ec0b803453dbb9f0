//! Renewal information (RFC 9773) and rate limits, with a small server of our own: Caddy has
//! neither.
