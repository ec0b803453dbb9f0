//! One file per command: `Args`, then `run`.

pub(crate) mod init;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod check;
pub(crate) mod fmt;
pub(crate) mod show;
pub(crate) mod why;
pub(crate) mod explain;
pub(crate) mod plan;
pub(crate) mod export;
pub(crate) mod serve;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod upgrade;
pub(crate) mod tap;
pub(crate) mod top;
pub(crate) mod user;
pub(crate) mod role;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod token;
pub(crate) mod key;
pub(crate) mod secret;
pub(crate) mod audit;
pub(crate) mod completion;
pub(crate) mod reference;
