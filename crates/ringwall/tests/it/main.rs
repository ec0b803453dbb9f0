//! The binary as people run it: real processes, real sockets, real clients.
//!
//! Each test has a folder and a port of its own. Programs that are needed (python3, curl, openssl,
//! chromium) are not optional: a missing one fails the test and is named.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod wait;
#[cfg(test)]
mod program;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod house;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod library;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod reloading;
#[cfg(test)]
mod upgrading;
#[cfg(test)]
mod front;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod records;
#[cfg(test)]
mod content;
#[cfg(test)]
mod declared;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod federated;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod learned;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod load;
#[cfg(test)]
mod factors;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod axe;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod checked;
#[cfg(test)]
mod greeter;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
#[path = "../../../acme/tests/it/apart.rs"]
mod apart;
#[cfg(test)]
mod mutual;
#[cfg(test)]
mod ordered;
#[cfg(test)]
mod waf;
#[cfg(test)]
mod crs;
