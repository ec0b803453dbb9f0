//! People, sessions and OAuth 2 clients: login, tokens, discovery.
//!
//! Start with [`Identity::answer`], then read any file in `endpoint/`: each is one handler that
//! calls its checks by name, one a line. Checks that endpoints share are one file each in `check/`.
//!
//! Never: keeps a password or a secret in clear, sends an error to a redirect URI that was not
//! checked, lets a token of one kind pass for another, reads a clock that it was not given.

mod identity;
mod answer;
mod cors;
mod endpoint;
mod admin;
mod powers;
mod check;
mod form;
mod page;
mod texts;
mod organisations;
mod people;
mod password;
mod elevated;
mod factors;
mod totp;
mod recovery;
mod passkeys;
mod login_step;
mod step_up;
mod email;
mod action_token;
mod letter;
mod outbox;
mod upstream;
mod welcome;
mod farewell;
mod throttle;
mod sessions;
mod clients;
mod certificates;
mod federation;
mod registration;
mod mutual_tls;
mod codes;
mod consents;
mod room;
mod pushed;
mod device;
mod refresh;
mod keys;
mod tokens;
mod opaque;
mod secret_text;
mod replay;
mod revocations;
mod withdraw;
mod session_clients;
mod logout_messages;
mod record;
mod sweep;
mod seams;
mod settings;
mod tables;

pub use answer::Known;
pub use certificates::{CertificateName, certificate_hashes};
pub use clients::{
    Access, Binding, Client, ClientError, Clients, Declared, Grant, Growth, IdTokenAlgorithm,
    NewClient, Owner, Party, TokenFormat,
};
pub use email::{Email, Invitation};
pub use factors::{Factors, Handout};
pub use federation::Federation;
pub use identity::{Identity, OpenError};
pub use keys::{KeyError, KeyRow, KeyState, Purpose};
pub use letter::Letter;
pub use logout_messages::{LogoutError, LogoutMessage, Told};
pub use mutual_tls::MutualTls;
pub use organisations::{Organisation, OrganisationError, Organisations};
pub use outbox::{Delivery, Due};
pub use passkeys::Passkey;
pub use password::{Blocklist, PasswordError, hash_password};
pub use people::{Account, PeopleError, Users};
pub use powers::Powers;
pub use registration::{InitialToken, InitialTokenError, InitialTokens, NewToken};
pub use seams::{KeyBytes, KeyVault, KeyVaultError, Seams};
pub use sessions::list::Open as OpenSession;
pub use settings::Settings;
pub use tables::MIGRATIONS;
pub use throttle::Settings as ThrottleSettings;
#[doc(hidden)]
pub use upstream::fuzz;
pub use upstream::{Outgoing, OutgoingError, RoleClaim, UpstreamAccess, UpstreamSettings};
pub use withdraw::{WithdrawError, Withdrawn};
