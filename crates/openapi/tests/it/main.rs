//! The package through its public interface, against readers and tests made by others.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod flask;
#[cfg(test)]
mod json_schema;
