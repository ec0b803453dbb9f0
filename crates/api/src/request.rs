//! What the command line asks of a running server.

use serde::{Deserialize, Serialize};

use crate::Hidden;

/// One request. The names are those of the commands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "do")]
pub enum Request {
    /// Lists events.
    AuditQuery(AuditFilter),
    /// Issues a service's own certificate.
    CertificateIssue {
        /// Service of the manifest.
        service: String,
        /// Life in minutes.
        minutes: u32,
    },
    /// Registers an OAuth client.
    ClientAdd(ClientSpec),
    /// Gives an OAuth client other settings; how it proves who it is stays.
    ClientChange(ClientSpec),
    /// Removes an OAuth client for good.
    ClientDelete {
        /// Client id.
        id: String,
    },
    /// Lets a disabled OAuth client have tokens again.
    ClientEnable {
        /// Client id.
        id: String,
    },
    /// Lists OAuth clients.
    ClientList,
    /// Gives an OAuth client a second secret.
    ClientSecret {
        /// Client id.
        id: String,
    },
    /// Says everything about an OAuth client.
    ClientShow {
        /// Client id.
        id: String,
    },
    /// Removes an OAuth client.
    ClientRemove {
        /// Client id.
        id: String,
    },
    /// Makes a token with which clients register themselves.
    InitialTokenAdd {
        /// How many clients.
        uses: u64,
        /// Life in hours.
        hours: u64,
    },
    /// Lists such tokens.
    InitialTokenList,
    /// Takes such a token back.
    InitialTokenRevoke {
        /// Its id, which is not the token.
        id: String,
        /// Whether the clients that it registered go with it.
        #[serde(default)]
        clients: bool,
    },
    /// Lists signing keys.
    KeyList,
    /// Destroys a signing key that leaked.
    KeyRevoke {
        /// Key id.
        kid: String,
    },
    /// Starts a new signing key.
    KeyRotate,
    /// Puts the vault under a new root key.
    KeyRotateRoot,
    /// Reads the manifest again.
    Reload,
    /// Adds an organisation.
    OrganisationAdd {
        /// Its slug.
        slug: String,
        /// What people call it; none: as its slug.
        name: Option<String>,
    },
    /// Removes an organisation that nobody is in.
    OrganisationDelete {
        /// Its slug.
        slug: String,
    },
    /// Disables an organisation; sessions and tokens of its people end at once.
    OrganisationDisable {
        /// Its slug.
        slug: String,
    },
    /// Lets the people of a disabled organisation sign in again.
    OrganisationEnable {
        /// Its slug.
        slug: String,
    },
    /// Lists organisations.
    OrganisationList,
    /// Says everything about an organisation.
    OrganisationShow {
        /// Its slug.
        slug: String,
    },
    /// Gives a role to a person.
    RoleGrant {
        /// Login name.
        name: String,
        /// Role.
        role: String,
    },
    /// Lists roles and who has them.
    RoleList,
    /// Takes a role from a person.
    RoleRevoke {
        /// Login name.
        name: String,
        /// Role.
        role: String,
    },
    /// Reads a secret.
    SecretGet {
        /// Secret name.
        name: String,
        /// Version; the newest when absent.
        version: Option<u64>,
    },
    /// Lists secrets, without values.
    SecretList,
    /// Removes a secret with all its versions.
    SecretRemove {
        /// Secret name.
        name: String,
    },
    /// Writes a new version.
    SecretSet {
        /// Secret name.
        name: String,
        /// Its value.
        value: Hidden,
    },
    /// Lists versions of a secret.
    SecretVersions {
        /// Secret name.
        name: String,
    },
    /// How the server is.
    Status,
    /// Requests as they are recorded, from a number on.
    Tap {
        /// As the last reply said; none at first.
        from: Option<u64>,
    },
    /// Explains a token, step by step.
    TokenInspect {
        /// The token.
        token: Hidden,
    },
    /// Ends tokens.
    TokenRevoke {
        /// `jti`, `sid`, `sub` or `client`.
        by: String,
        /// Its value; of `sub` also a login name.
        value: String,
    },
    /// Lets a new process take over, with all listening sockets.
    Upgrade,
    /// Adds a person.
    UserAdd {
        /// Login name.
        name: String,
        /// Roles.
        roles: Vec<String>,
        /// Password.
        password: Hidden,
        /// Address that the person is asked to confirm.
        #[serde(default)]
        email: Option<String>,
    },
    /// Disables a person; sessions end at once.
    UserDisable {
        /// Login name.
        name: String,
    },
    /// Lets a disabled person sign in again.
    UserEnable {
        /// Login name.
        name: String,
    },
    /// Gives a person an authenticator and recovery codes.
    UserEnrol {
        /// Login name.
        name: String,
    },
    /// Lists a person's second factors.
    UserFactors {
        /// Login name.
        name: String,
    },
    /// Takes all second factors from a person.
    UserFactorsRemove {
        /// Login name.
        name: String,
    },
    /// Makes an account without a password, and the link that sets it.
    UserInvite {
        /// Login name.
        name: String,
        /// Roles.
        roles: Vec<String>,
        /// Address to send the link to; none: the link is the reply.
        email: Option<String>,
    },
    /// Lists people.
    UserList {
        /// Of this organisation; none: of all.
        #[serde(default)]
        organisation: Option<String>,
    },
    /// Says everything about a person.
    UserShow {
        /// Login name.
        name: String,
    },
    /// Sets a new password.
    UserReset {
        /// Login name.
        name: String,
        /// Password.
        password: Hidden,
        /// Whether links to another issuer that sessions of the account made stay.
        #[serde(default)]
        keeps_links: bool,
    },
    /// Takes all links to people of another issuer away.
    UserUnlink {
        /// Login name.
        name: String,
    },
    /// Records that an exclusion of the firewall is about to be written, or taken out.
    WafAllow {
        /// What is excluded: `rule=7702001 target=ARGS:comment operation=shop.addComment`.
        what: String,
        /// Why.
        why: String,
        /// Whether it is taken out.
        is_removed: bool,
    },
    /// Puts no rule set in use, as it was before the first one.
    WafForget,
    /// Removes a rule set of the firewall that is not in use.
    WafRemove {
        /// The set's id.
        id: String,
    },
    /// Puts an installed rule set of the firewall in use.
    WafUse {
        /// The set's id.
        id: String,
        /// Whether it was just installed.
        is_new: bool,
    },
    /// Why a request was answered as it was.
    Why {
        /// Request id.
        request: String,
    },
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditFilter {
    /// `event.action`.
    pub action: Option<String>,
    /// At most this many, the newest.
    pub limit: usize,
    /// `failure`, `success` or `would-deny`.
    pub outcome: Option<String>,
    /// Subject or login name.
    pub person: Option<String>,
    /// Request id.
    pub request: Option<String>,
    /// Service.
    pub service: Option<String>,
}

/// A new OAuth client.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSpec {
    /// Client id.
    pub id: String,
    /// Whether it has no credential of its own (`none`, with PKCE).
    pub is_public: bool,
    /// Its public keys (JWKS), for `private_key_jwt`.
    pub jwks: Option<String>,
    /// How it shows who it is by the certificate of its connection.
    #[serde(default)]
    pub certificate: Option<CertificateSpec>,
    /// Whose tokens prove it; `jwks` has the keys of that issuer then.
    #[serde(default)]
    pub federation: Option<FederationSpec>,
    /// Roles that tokens for itself carry.
    pub roles: Vec<String>,
    /// Exact redirect URIs; none for a program without people.
    pub redirect_uris: Vec<String>,
    /// Exact addresses to which people may be sent after a logout that it asked for.
    pub post_logout_uris: Vec<String>,
    /// The address that is told of the end of sessions.
    pub backchannel_logout_uri: Option<String>,
    /// Whether its access tokens are signed by ES256, for readers without Ed25519.
    pub wants_es256: bool,
    /// Whether its ID tokens are signed by RS256 instead of ES256.
    #[serde(default)]
    pub wants_rs256_id: bool,
    /// What it must do: `bound`, have what it gets for itself bound to a key or a certificate;
    /// `certificate`, have all its tokens bound to that of its connection; `dpop`, prove a key of its own for every token; `par`, push its
    /// authorization requests; `consent`, have people asked what it may do.
    pub requires: Vec<String>,
    /// Clients whose tokens it may exchange, to call on for the person behind them.
    pub acts_for: Vec<String>,
    /// Grants beside those that follow from the rest: `refresh_token`.
    pub grants: Vec<String>,
    /// Scopes beside `openid` and `profile`.
    pub scopes: Vec<String>,
    /// The organisation whose people use it, if it is one's.
    #[serde(default)]
    pub organisation: Option<String>,
}

/// A client's certificate (RFC 8705).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateSpec {
    /// One that an authority vouches for, by a name in it: `dns:NAME`, `uri:URI`, `ip:ADDRESS`,
    /// `email:ADDRESS` or `subject:DN`.
    Name(String),
    /// Certificates as they are: PEM, a JWKS with `x5c`, or a SHA-256 in hexadecimal.
    Own(String),
    /// The fleet's certificate of the service that has the client's id.
    Workload,
}

/// Another issuer's tokens that prove a client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FederationSpec {
    /// Its `iss`.
    pub issuer: String,
    /// What claims must be: `NAME=PATTERN`.
    pub claims: Vec<String>,
    /// Whether one token may come more than once.
    pub may_repeat: bool,
}
