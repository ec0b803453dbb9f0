//! The transport through its public interface, on real sockets.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod house;
#[cfg(test)]
mod script;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod staples;
#[cfg(test)]
mod scanners;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod carry;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod h2_times;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod interim;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod h2_upstream;
#[cfg(test)]
mod websocket;
