//! The catalogue of actions: what can be in the log, and its ECS category and type.

/// One known value of `event.action`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Action {
    /// `event.action`.
    pub name: &'static str,
    /// ECS `event.category`.
    pub category: &'static str,
    /// ECS `event.type`.
    pub kind: &'static str,
    /// What happened.
    pub meaning: &'static str,
}

impl Action {
    /// The entry of the catalogue with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        let at = ACTIONS.binary_search_by(|action| action.name.cmp(name)).ok()?;
        ACTIONS.get(at)
    }
}

const fn action(
    name: &'static str,
    category: &'static str,
    kind: &'static str,
    meaning: &'static str,
) -> Action {
    Action { name, category, kind, meaning }
}

/// All actions, sorted by name. An event with any other action is refused while developing.
#[rustfmt::skip]
pub static ACTIONS: &[Action] = &[
    action("access-denied", "iam", "denied", "policy refused a request"),
    action("access-granted", "iam", "allowed", "policy allowed a request that is recorded always"),
    action("admin-action", "configuration", "admin", "an administrator used the control socket"),
    action("admin-denied", "iam", "denied", "a token was used for what it may not administer"),
    action("admin-request", "iam", "admin", "a change was asked for by the admin API; the next events say what was done"),
    action("audit-degraded", "configuration", "error", "the log has used its reserve: the disk is full"),
    action("audit-dropped", "configuration", "info", "sampled events were dropped under load; the count is in the reason"),
    action("audit-recovered", "configuration", "change", "a torn tail was cut after a crash"),
    action("certificate-denied", "configuration", "denied", "a certificate was not issued"),
    action("certificate-issued", "configuration", "creation", "a certificate was issued"),
    action("certificate-ordered", "configuration", "creation", "an ACME server was asked for a certificate; names or failure are in the reason"),
    action("certificate-renewed", "configuration", "change", "a certificate was renewed"),
    action("certificate-revoked", "configuration", "deletion", "a certificate was revoked"),
    action("circuit-opened", "web", "error", "an upstream is not asked for a while"),
    action("client-authentication-failed", "authentication", "denied", "a client did not prove who it is"),
    action("client-certificates-revoked", "network", "end", "open connections of clients were closed: their certificates are revoked or over"),
    action("client-changed", "iam", "change", "an OAuth client got other settings"),
    action("client-disabled", "iam", "change", "an OAuth client was disabled"),
    action("client-enabled", "iam", "change", "an OAuth client was enabled again"),
    action("client-registered", "iam", "creation", "an OAuth client was registered"),
    action("client-removed", "iam", "deletion", "an OAuth client was removed"),
    action("client-secret-added", "iam", "change", "an OAuth client got one more secret"),
    action("clock-step", "configuration", "info", "the wall clock was set"),
    action("code-issued", "authentication", "info", "an authorization code was issued"),
    action("code-refused", "authentication", "denied", "a code was unknown, expired or somebody else's"),
    action("code-reuse", "authentication", "denied", "an authorization code was used twice"),
    action("config-rejected", "configuration", "error", "a manifest was not accepted; the last good one stays"),
    action("config-reloaded", "configuration", "change", "a manifest took effect"),
    action("consent-granted", "iam", "allowed", "a person gave a client access"),
    action("consent-refused", "iam", "denied", "a person gave a client no access"),
    action("consent-withdrawn", "iam", "change", "a person took the access of a client back"),
    action("device-code-issued", "authentication", "info", "a device asked to be connected"),
    action("dpop-replayed", "authentication", "denied", "a proof of possession was used twice"),
    action("egress-allowed", "network", "allowed", "a service called out"),
    action("egress-denied", "network", "denied", "a service was kept from calling out"),
    action("email-asked", "iam", "change", "an account was asked to confirm an address"),
    action("email-verified", "iam", "change", "an account has a confirmed address"),
    action("factor-added", "iam", "creation", "a second factor was added to an account"),
    action("factor-failed", "authentication", "denied", "a second factor was refused"),
    action("factor-removed", "iam", "deletion", "second factors were taken from an account"),
    action("factor-renamed", "iam", "change", "a second factor has another name"),
    action("identity-linked", "iam", "change", "an account can sign in at another issuer"),
    action("identity-unlinked", "iam", "change", "an account can sign in there no more"),
    action("initial-token-made", "iam", "creation", "a token with which clients register themselves was made"),
    action("initial-token-revoked", "iam", "deletion", "a token with which clients register themselves was taken back"),
    action("key-created", "iam", "creation", "a key was made"),
    action("key-deleted", "iam", "deletion", "a sealed key was removed"),
    action("key-destroyed", "iam", "deletion", "a signing key was destroyed: its last token is over"),
    action("key-read", "iam", "access", "a sealed key was opened"),
    action("key-removed", "iam", "deletion", "a key was removed"),
    action("key-revoked", "iam", "deletion", "a signing key that leaked was destroyed; its tokens are over"),
    action("key-rotated", "iam", "change", "a key was replaced by a new one"),
    action("key-written", "iam", "creation", "a key was sealed"),
    action("leak-found", "web", "info", "an answer held what must not leave; detectors and places are in the reason, the outcome says what became of it"),
    action("limits-store-away", "configuration", "error", "the store of shared limits is away; every gateway counts for itself"),
    action("limits-store-back", "configuration", "change", "limits are shared with other gateways"),
    action("login-failed", "authentication", "denied", "a login was refused"),
    action("login-succeeded", "authentication", "start", "a person logged in"),
    action("logout-delivered", "session", "info", "an application took the news that a session has ended"),
    action("logout-undelivered", "session", "error", "an application was not told that a session has ended; why is in the reason"),
    action("mail-failed", "email", "info", "a letter was not taken; it is tried again until it is over, unless it was refused"),
    action("mail-sent", "email", "info", "a mail server has taken a letter"),
    action("manifest-changed", "configuration", "change", "a manifest took effect"),
    action("manifest-rejected", "configuration", "error", "a manifest was not accepted; the last good one stays"),
    action("node-started", "process", "start", "Ringwall started"),
    action("node-stopped", "process", "end", "Ringwall stopped"),
    action("object-not-owned", "iam", "denied", "somebody asked for another person's object"),
    action("organisation-added", "iam", "creation", "an organisation was added"),
    action("organisation-changed", "iam", "change", "an organisation is called something else"),
    action("organisation-disabled", "iam", "change", "people of an organisation may no longer log in; sessions and tokens ended"),
    action("organisation-enabled", "iam", "change", "people of an organisation may log in again"),
    action("organisation-removed", "iam", "deletion", "an organisation that nobody was in was removed"),
    action("passkey-copied", "authentication", "denied", "a passkey's counter went back, as that of a copy would"),
    action("password-changed", "iam", "change", "a password was changed"),
    action("password-reset-asked", "iam", "info", "a letter with a link for a new password was written"),
    action("pkce-failed", "authentication", "denied", "a code verifier did not match"),
    action("policy-changed", "iam", "change", "a policy took effect"),
    action("rate-limited", "web", "denied", "a request was over its rate"),
    action("recovery-code-used", "authentication", "info", "a recovery code finished a sign-in"),
    action("recovery-codes-made", "iam", "creation", "an account got new recovery codes"),
    action("redirect-uri-mismatch", "authentication", "denied", "a redirect URI was not registered"),
    action("registration-refused", "iam", "denied", "a client did not register or change itself: no good token, or no room"),
    action("rekey", "iam", "change", "stored data was encrypted under a new key"),
    action("request-completed", "web", "access", "an allowed request has ended"),
    action("request-pushed", "authentication", "info", "a client pushed an authorization request"),
    action("request-rejected", "web", "denied", "a request was refused before policy"),
    action("response-changed", "web", "change", "fields were cut from an answer"),
    action("response-refused", "web", "denied", "an answer was held back"),
    action("role-granted", "iam", "admin", "a person got a role"),
    action("role-revoked", "iam", "admin", "a person lost a role"),
    action("root-rotated", "iam", "change", "the outer key was replaced"),
    action("seal", "iam", "change", "the vault was sealed"),
    action("secret-deleted", "iam", "deletion", "a secret was removed"),
    action("secret-injected", "iam", "access", "a service was started with a secret"),
    action("secret-listed", "iam", "access", "the names of secrets were listed"),
    action("secret-read", "iam", "access", "a secret was read"),
    action("secret-removed", "iam", "deletion", "a secret was removed"),
    action("secret-written", "iam", "change", "a secret got a new version"),
    action("service-started", "process", "start", "a service was started"),
    action("service-stopped", "process", "end", "a service ended"),
    action("session-ended", "session", "end", "a session ended"),
    action("session-started", "session", "start", "a session began"),
    action("spiffe-svid-issued", "configuration", "creation", "a service got its certificate"),
    action("step-up-required", "authentication", "info", "a stronger login was asked for"),
    action("stream-ended", "web", "denied", "a tunnel or a stream was ended, as what admitted it had ended"),
    action("token-exchanged", "authentication", "change", "a service got a token to act for a person who called it"),
    action("token-introspected", "authentication", "info", "a token was asked about"),
    action("token-issued", "authentication", "start", "a token was issued"),
    action("token-refresh-reuse", "authentication", "denied", "a rotated refresh token was used again"),
    action("token-refreshed", "authentication", "change", "a token was refreshed"),
    action("token-refused", "authentication", "denied", "a token was not issued"),
    action("token-revoked", "authentication", "end", "a token was revoked"),
    action("unseal", "iam", "change", "the vault was opened"),
    action("upstream-error", "web", "error", "a service did not answer"),
    action("upstream-healthy", "web", "change", "active checks find an endpoint well again"),
    action("upstream-unhealthy", "web", "error", "active checks find an endpoint unwell; it is left out"),
    action("upstreams-found", "configuration", "change", "a name or a file stands for other addresses, or can be looked up again"),
    action("upstreams-stale", "configuration", "error", "a name or a file cannot be read; its last good addresses stay"),
    action("user-added", "iam", "creation", "a person was added"),
    action("user-changed", "iam", "change", "a person was changed"),
    action("user-disabled", "iam", "change", "a person may no longer log in"),
    action("user-enabled", "iam", "change", "a person may log in again"),
    action("user-invited", "iam", "creation", "a link was made that sets the first password of an account"),
    action("user-removed", "iam", "deletion", "a person was removed"),
    action("vault-created", "iam", "creation", "the vault was made"),
    action("vault-key-worn", "iam", "error", "a data key reached its limit of uses"),
    action("vault-rekeyed", "iam", "change", "the outer key was replaced"),
    action("vault-unsealed", "iam", "change", "the vault was opened"),
    action("waf-exclusion-added", "configuration", "creation", "a target was excluded from a rule of the firewall"),
    action("waf-exclusion-removed", "configuration", "deletion", "an exclusion from a rule of the firewall was taken out"),
    action("waf-matched", "web", "denied", "a request looked like an attack"),
    action("waf-rules-installed", "configuration", "creation", "a rule set of the firewall was installed and put in use"),
    action("waf-rules-removed", "configuration", "deletion", "a rule set of the firewall was removed"),
    action("waf-rules-used", "configuration", "change", "another rule set of the firewall was put in use"),
    action("waf-store-away", "configuration", "error", "the store of what rules remember is away; every gateway remembers for itself"),
    action("waf-store-back", "configuration", "change", "what rules remember is shared with other gateways"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_every_action_is_found() {
        assert!(ACTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(ACTIONS.iter().all(|action| Action::find(action.name) == Some(action)));
        assert_eq!(Action::find("login"), None);
    }
}
