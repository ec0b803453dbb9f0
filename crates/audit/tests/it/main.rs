//! The log through its public interface: written, read back, damaged, killed.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod house;
#[cfg(test)]
mod life;
#[cfg(test)]
mod ahead;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod full_disk;
