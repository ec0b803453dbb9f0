//! Listeners, TLS, HTTP connections, upstream pools.
