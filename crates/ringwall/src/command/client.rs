//! `ringwall client`: OAuth 2 clients.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_api::{CertificateSpec, ClientSpec, FederationSpec, Request};

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What can be done with clients.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Registers a client; prints its secret once, unless it is public or has keys
    Add {
        /// Client id
        id: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Gives a client other settings in place of all it has; its kind stays
    Change {
        /// Client id
        id: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Lists clients
    List,
    /// Says everything about a client
    Show {
        /// Client id
        id: String,
    },
    /// Gives a client one more secret, printed once; of three the oldest goes
    Secret {
        /// Client id
        id: String,
    },
    /// Disables a client; its tokens end at once
    #[command(alias = "disable")]
    Remove {
        /// Client id
        id: String,
    },
    /// Lets a disabled client have tokens again
    Enable {
        /// Client id
        id: String,
    },
    /// Removes a client for good, with its secrets; its tokens end at once
    Delete {
        /// Client id
        id: String,
    },
    /// Tokens with which clients register themselves (RFC 7591), where the manifest opens that
    InitialToken {
        #[command(subcommand)]
        verb: InitialToken,
    },
}

#[derive(clap::Subcommand, Debug)]
enum InitialToken {
    /// Makes one; prints it once
    Make {
        /// How many clients it registers
        #[arg(long, value_name = "COUNT", default_value_t = 1,
            value_parser = clap::value_parser!(u64).range(1..=100))]
        uses: u64,
        /// How long it is good
        #[arg(long, value_name = "HOURS", default_value_t = 24,
            value_parser = clap::value_parser!(u64).range(1..=2_160))]
        hours: u64,
    },
    /// Lists those that are good
    List,
    /// Takes one back; the clients that it registered stay
    Revoke {
        /// Its id, as `list` shows it, or `client show` of a client that it registered
        id: String,
        /// Removes the clients that it registered, too, also when it is over
        #[arg(long)]
        clients: bool,
    },
}

#[derive(clap::Args, Debug)]
struct Settings {
    /// No credential of its own: PKCE only
    #[arg(long)]
    public: bool,
    /// An exact redirect URI, as often as needed; none for a program without people
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// An exact address to which people may go after a logout that it asked for, as often as needed
    #[arg(long = "post-logout", value_name = "URI")]
    post_logout_uris: Vec<String>,
    /// The address that is told when a session ends in which it got tokens
    #[arg(long = "backchannel-logout", value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// A role that its own tokens carry, as often as needed
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A file with its public keys (JWKS), for `private_key_jwt`
    #[arg(long, value_name = "FILE", conflicts_with = "public")]
    jwks: Option<PathBuf>,
    #[command(flatten)]
    federation: Federation,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    bond: Bond,
    /// Ask people what it may do; applications of the house are not asked about
    #[arg(long)]
    consent: bool,
    #[command(flatten)]
    signatures: Signatures,
    #[command(flatten)]
    demands: Demands,
    /// A client whose tokens it may exchange to call on for the same person (RFC 8693), as often
    /// as needed
    #[arg(long, value_name = "CLIENT", conflicts_with = "public")]
    acts_for: Vec<String>,
    /// What it may use beside codes and its own credentials, as often as needed
    #[arg(long = "grant", value_name = "GRANT", value_parser = ["refresh_token", "device_code"])]
    grants: Vec<String>,
    /// A scope that it may ask for beside `openid` and `profile`, as often as needed
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The one organisation whose people use it, and which its own tokens are of; none: people of all
    #[arg(long, value_name = "ORGANISATION")]
    organisation: Option<String>,
}

#[derive(clap::Args, Clone, Copy, Debug)]
struct Signatures {
    /// Sign its access tokens by ES256, for readers that do not know Ed25519
    #[arg(long)]
    es256: bool,
    /// Sign its ID tokens by RS256 instead of ES256, for applications that read nothing else
    #[arg(long)]
    rs256: bool,
}

#[derive(clap::Args, Debug)]
struct Federation {
    /// Another issuer whose tokens prove it, as that of a CI system; --jwks has its keys, and the tokens
    /// are for Ringwall's own issuer
    #[arg(long, value_name = "URL", requires = "jwks", requires = "claim")]
    issuer: Option<String>,
    /// What such a token must say, as often as needed: `sub=repo:org/app:ref:refs/heads/*`. A star stands
    /// for any characters but `:` and `/`, two for any
    #[arg(long, value_name = "NAME=PATTERN", requires = "issuer")]
    claim: Vec<String>,
    /// One such token may come more than once, as it does from a file that a cluster renews
    #[arg(long, requires = "issuer")]
    repeatable: bool,
}

#[derive(clap::Args, Debug)]
#[group(multiple = false, conflicts_with_all = ["public", "jwks"])]
struct Shown {
    /// A file with its self-signed certificates: PEM, or a JWKS with `x5c` (RFC 8705)
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The one name that its certificate has, from an authority of the door: `dns:NAME`, `uri:URI`,
    /// `ip:ADDRESS`, `email:ADDRESS` or `subject:DN` (RFC 8705)
    #[arg(long, value_name = "NAME")]
    certificate_name: Option<String>,
    /// It is the service of this name and shows its own certificate
    #[arg(long)]
    workload: bool,
}

#[derive(clap::Args, Clone, Copy, Debug)]
struct Bond {
    /// Give it tokens for itself that are bound to nothing, so that whoever copies one can use it;
    /// without this it has to prove a key (RFC 9449) or show a certificate (RFC 8705)
    #[arg(long, conflicts_with_all = ["public", "dpop", "bind_certificate"])]
    bearer: bool,
    /// Bind all its tokens to the certificate of its connection (RFC 8705)
    #[arg(long)]
    bind_certificate: bool,
}

#[derive(clap::Args, Clone, Copy, Debug)]
struct Demands {
    /// Give it tokens only with a proof of a key of its own (RFC 9449)
    #[arg(long)]
    dpop: bool,
    /// Take its authorization requests only when it pushed them (RFC 9126)
    #[arg(long)]
    par: bool,
    /// Give it access tokens that nobody but Ringwall can read
    #[arg(long)]
    opaque: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let id = |id: &String| id.clone();
    let request = match &args.verb {
        Verb::Add { id, settings } => Request::ClientAdd(spec(id, settings)?),
        Verb::Change { id, settings } => Request::ClientChange(spec(id, settings)?),
        Verb::List => Request::ClientList,
        Verb::Show { id: of } => Request::ClientShow { id: id(of) },
        Verb::Secret { id: of } => Request::ClientSecret { id: id(of) },
        Verb::Remove { id: of } => Request::ClientRemove { id: id(of) },
        Verb::Enable { id: of } => Request::ClientEnable { id: id(of) },
        Verb::Delete { id: of } => Request::ClientDelete { id: id(of) },
        Verb::InitialToken { verb: InitialToken::Make { uses, hours } } => {
            Request::InitialTokenAdd { uses: *uses, hours: *hours }
        }
        Verb::InitialToken { verb: InitialToken::List } => Request::InitialTokenList,
        Verb::InitialToken { verb: InitialToken::Revoke { id: of, clients } } => {
            Request::InitialTokenRevoke { id: id(of), clients: *clients }
        }
    };
    control::run(&request, place, out)
}

fn spec(id: &str, settings: &Settings) -> Result<ClientSpec> {
    let read = |file: &PathBuf| {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
    };
    let (Demands { dpop, par, opaque }, Bond { bearer, bind_certificate }) =
        (settings.demands, settings.bond);
    let is_bound = dpop || bind_certificate;
    let required = [
        (!(settings.public || bearer || is_bound), "bound"),
        (bind_certificate, "certificate"),
        (settings.consent, "consent"),
        (dpop, "dpop"),
        (opaque, "opaque"),
        (par, "par"),
    ]
    .into_iter();
    let required = required.filter_map(|(is_set, name)| is_set.then_some(name));
    let Shown { certificate, certificate_name, workload } = &settings.shown;
    let own = certificate.as_ref().map(read).transpose()?.map(CertificateSpec::Own);
    let named = certificate_name.clone().map(CertificateSpec::Name);
    Ok(ClientSpec {
        id: id.to_owned(),
        certificate: own.or(named).or(workload.then_some(CertificateSpec::Workload)),
        is_public: settings.public,
        federation: settings.federation.issuer.clone().map(|issuer| FederationSpec {
            issuer,
            claims: settings.federation.claim.clone(),
            may_repeat: settings.federation.repeatable,
        }),
        jwks: settings.jwks.as_ref().map(read).transpose()?,
        redirect_uris: settings.redirect_uris.clone(),
        post_logout_uris: settings.post_logout_uris.clone(),
        backchannel_logout_uri: settings.backchannel_logout_uri.clone(),
        roles: settings.roles.clone(),
        wants_es256: settings.signatures.es256,
        wants_rs256_id: settings.signatures.rs256,
        requires: required.map(str::to_owned).collect(),
        acts_for: settings.acts_for.clone(),
        grants: settings.grants.iter().map(|name| grant_type(name)).collect(),
        scopes: settings.scopes.clone(),
        organisation: settings.organisation.clone(),
    })
}

/// The whole name of a grant (RFC 6749 section 4.5).
fn grant_type(name: &str) -> String {
    match name {
        "refresh_token" => name.to_owned(),
        other => format!("urn:ietf:params:oauth:grant-type:{other}"),
    }
}
