//! Listeners, TLS, HTTP connections and upstream pools: the only package that touches sockets.
//!
//! Start with [`Server::open`]: a door is opened with an [`Answer`], which gets each request with
//! the [`Peer`] that sent it. [`Pool::send`] is the other side. Everything of one connection stays
//! on the thread that accepted it, so bodies and futures here are not [`Send`].
//!
//! Nothing here knows a route, a person or a rule. What has two readings is refused before a
//! handler sees it ([`guard`]).

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::wildcard_enum_match_arm)]

mod settings;
mod peer;
mod answer;
mod server;
mod worker;
mod listen;
mod mail;
mod networks;
pub mod proxy;
mod reserve;
mod counts;
mod curb;
mod admission;
mod date;
mod drain;
mod connection;
mod preface;
mod wire;
mod h1;
mod h2;
mod linger;
mod refusal;
pub mod guard;
mod body;
mod spiffe;
mod certificate;
mod certificates;
mod identity;
mod trust;
mod tls;
mod tickets;
mod challenges;
mod clients;
mod certificate_of;
mod hosts;
mod handshake;
mod dial;
mod fetch;
mod der;
mod ocsp;
mod dns;
mod target;
mod pool;
mod send;
mod h2_client;
mod interim;
mod tunnel;
mod carry;

pub use crate::h2::{Flood, FrameLimits, StreamBody, fuzz as fuzz_h2};
pub use answer::{Answer, Answering};
pub use body::{Body, BodyError, CollectError, Collected, Sender};
pub use carry::{CarryError, CarrySettings, carry};
pub use certificate::{Certificate, CertificateError};
pub use certificates::Certificates;
pub use challenges::Challenges;
pub use clients::{Authorities, Beside, Clients, ClientsError};
pub use counts::{Census, Unwelcome, WorkerCounts};
pub use curb::Curb;
pub use dial::{Dial, DialName, DialTcp, DialUnix, Dialing, Socket};
pub use dns::{
    LookupError, MessageError, Record, Records, Resolver, ResolverSettings, ServiceHost,
    read_message,
};
pub use drain::Drain;
pub use fetch::{Fetch, FetchError, Limits as FetchLimits, Reach};
pub use guard::Violation;
pub use h1::{FromClient, Upstream};
#[doc(hidden)]
pub use h1::{fuzz_client, fuzz_server};
pub use hosts::{HostTls, Hosts, MinVersion};
pub use identity::Identity;
pub use interim::Interim;
pub use listen::{Listen, OpenError};
pub use mail::{Mail, MailError, MailLogin, MailSettings, Mailer};
pub use networks::{NetworkError, Networks};
pub use ocsp::{Ocsp, OcspError, Staple};
pub use peer::{Door, Peer, TlsFacts};
pub use pool::{Pool, PoolSettings};
pub use refusal::refusal_response;
pub use reserve::{Reserve, is_exhausted};
pub use send::SendError;
pub use server::{Opening, Passed, Server, StartError};
pub use settings::{HeadLimits, Settings};
pub use spiffe::{SpiffeError, SpiffeId};
pub use target::{Protocol, Target, TargetSettings};
pub use tickets::Tickets;
pub use tls::{ClientTls, ServerTls, TlsError};
pub use trust::{Trust, TrustError};
pub use tunnel::{Ending, Farewell, TunnelError, Upgrade};
