//! Finds injected SQL and script by its grammar, as `libinjection` does, whose behaviour this is.

pub(crate) mod sqli;
pub(crate) mod xss;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
