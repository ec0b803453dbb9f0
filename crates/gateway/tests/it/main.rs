//! The pipeline on real sockets, in front of a real service.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
#[path = "../../../net/tests/it/script.rs"]
mod script;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod challenges;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod certified;
#[cfg(test)]
mod cross_origin;
#[cfg(test)]
mod told;
#[cfg(test)]
mod traffic;
#[cfg(test)]
mod discovering;
#[cfg(test)]
mod hints;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod firewall;
#[cfg(test)]
mod content;
#[cfg(test)]
mod firewall_wires;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod proven;
#[cfg(test)]
mod services;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod recollecting;
#[cfg(test)]
mod shared;
