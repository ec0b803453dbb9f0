//! Against a real ACME server: Caddy's, in namespaces of its own, where ports 80 and 443 and the
//! names are free.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod apart;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod advice;
