//! Why a request is not answered by its service, and what the client learns of it.
//!
//! Three outcomes are kept apart: a *decision* (most variants), a *failure* (`Unavailable`,
//! `Undecided`, `Timeout`), and a *bug*, which no variant stands for. The client gets the fixed
//! text of [`Refusal::public`] and nothing else; the cause goes to the record.

use std::borrow::Cow;
use std::error::Error;

use http::StatusCode;
use ringwall_base::Place;
use ringwall_jose::DpopProof;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Rules of the firewall say so. The stage is where they looked.
    Attack { status: StatusCode, why: String, stage: &'static str },
    /// The input does not fit its declared schema.
    BadInput { why: String },
    /// Its files or its GraphQL are not what may be sent.
    Content { status: StatusCode, why: String },
    /// A cookie-identified change that may come from another site.
    CrossSite { why: &'static str },
    /// No line allows it.
    Forbidden { why: String, line: Option<Place> },
    /// The answer has what its reader may not see, and the manifest says to refuse it.
    Leak { why: String },
    /// Something is in the answer that must not leave.
    LeakFound { why: String },
    /// Two readings are possible, or none.
    Malformed { why: &'static str },
    /// The content cannot be read, so it cannot be checked.
    MediaType { why: &'static str },
    /// A message of gRPC does not fit its descriptor, or is over a limit.
    Message { why: String, is_limit: bool },
    /// The path exists, the method does not.
    Method { allow: String },
    /// Flask's own answer to a path that lacks its final slash.
    Moved { location: String },
    /// No operation has this path.
    NoRoute,
    /// No line allows it to a stranger.
    NotSignedIn { why: String, line: Option<Place> },
    /// The object belongs to someone else; the client must not learn that it is there.
    NotOwned { line: Option<Place> },
    /// `:own`, and nobody stated the owner.
    OwnerNotStated { line: Option<Place> },
    /// As many requests are under way as there may be. Nothing was sent.
    Overloaded { why: &'static str },
    /// A browser without a session asked for a page: it is sent to the login page.
    SignIn { location: String, why: String, line: Option<Place> },
    /// It would be allowed after another sign-in (RFC 9470).
    StepUp { want: Want, why: String, line: Option<Place> },
    /// The service did not answer in time.
    Timeout,
    /// More bytes than the limit.
    TooLarge { bytes_max: u64 },
    /// Over the rate.
    TooMany { limit: String, retry_after_secs: u64 },
    /// A credential is there and is not good.
    Unauthenticated { why: Cow<'static, str>, challenge: Challenge },
    /// The service cannot be reached, or broke off.
    Unavailable { why: &'static str, source: Option<Box<dyn Error + Send + Sync>> },
    /// Ringwall itself cannot decide. It never lets through instead.
    Undecided { why: String },
    /// Not a name of this gateway.
    WrongHost,
}

/// What the client is asked for instead of a credential that is not good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Challenge {
    /// A token: RFC 6750 section 3.1.
    Bearer,
    /// A token that is bound to a key: RFC 9449 section 7.1.
    Dpop,
    /// A credential, where none was shown: RFC 6750 section 3.1 names no error then.
    Nothing,
    /// Another proof for the same token.
    Proof,
    /// A token of a person who proved more: RFC 9470 section 3.
    StepUp(Want),
}

/// What another sign-in has to bring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Want {
    /// A second factor.
    Factor,
    /// Nothing new, but not longer ago than this many seconds.
    Recent(u64),
}

impl Challenge {
    /// What a refusal asks for.
    pub(crate) const fn of(refusal: &Refusal) -> Option<Self> {
        if let Refusal::Unauthenticated { challenge, .. } = refusal {
            Some(*challenge)
        } else if let Refusal::NotSignedIn { .. } = refusal {
            Some(Self::Nothing)
        } else if let Refusal::StepUp { want, .. } = refusal {
            Some(Self::StepUp(*want))
        } else {
            None
        }
    }

    /// `WWW-Authenticate`, with the address of the resource's metadata (RFC 9728 section 5.1).
    pub(crate) fn text(self, metadata: Option<&str>) -> String {
        let algorithms = DpopProof::ALGORITHMS.join(" ");
        let more = if let Self::StepUp(Want::Recent(secs)) = self {
            format!("{AGAIN}, max_age=\"{secs}\"")
        } else {
            MORE.to_owned()
        };
        let (bearer, dpop) = match self {
            Self::Bearer => (Some("error=\"invalid_token\""), None),
            Self::Dpop => (None, Some("error=\"invalid_token\"")),
            Self::Nothing => (Some(""), None),
            Self::Proof => (None, Some("error=\"invalid_dpop_proof\"")),
            Self::StepUp(_) => (Some(more.as_str()), Some(more.as_str())),
        };
        let metadata = metadata.map(|uri| format!("resource_metadata=\"{uri}\""));
        let metadata = metadata.unwrap_or_default();
        let algorithms = format!("algs=\"{algorithms}\"");
        let challenge = |scheme: &str, parameters: &[&str]| {
            let said = parameters.iter().filter(|parameter| !parameter.is_empty());
            format!("{scheme} {}", said.copied().collect::<Vec<_>>().join(", "))
        };
        let bearer = bearer.map(|error| match (error, metadata.as_str()) {
            // A scheme alone would read as the parameter of the next one.
            ("", "") => challenge("Bearer", &["realm=\"ringwall\""]),
            (error, metadata) => challenge("Bearer", &[error, metadata]),
        });
        let dpop = challenge("DPoP", &[dpop.unwrap_or_default(), &algorithms, &metadata]);
        bearer.into_iter().chain([dpop]).collect::<Vec<_>>().join(", ")
    }
}

/// A text that may be shown to clients. There is no conversion from `Display`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Public {
    /// The code with its page.
    pub(crate) code: &'static str,
    /// The title.
    pub(crate) title: &'static str,
    /// The status.
    pub(crate) status: StatusCode,
}

impl Refusal {
    /// A request with two readings, or none.
    pub(crate) const fn malformed(why: &'static str) -> Self {
        Self::Malformed { why }
    }

    /// A credential that is not good.
    pub(crate) fn unauthenticated(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Unauthenticated { why: why.into(), challenge: Challenge::Bearer }
    }

    /// A service that cannot be reached, or broke off.
    pub(crate) fn unavailable(
        why: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { why, source: Some(source.into()) }
    }

    /// The whole of what a client learns. Exhaustive on purpose: a new refusal must choose.
    pub(crate) const fn public(&self) -> Public {
        let (code, status, title) = match self {
            Self::Attack { status, .. } => ("RW3019", *status, "Refused by a rule"),
            Self::BadInput { .. } => ("RW3008", StatusCode::BAD_REQUEST, "Invalid input"),
            Self::Content { status, .. } => ("RW3020", *status, "Content refused"),
            Self::CrossSite { .. } => ("RW3005", StatusCode::FORBIDDEN, "Cross-site request"),
            Self::Forbidden { .. } | Self::NotSignedIn { .. } => {
                ("RW3001", StatusCode::FORBIDDEN, "Not allowed")
            }
            Self::Leak { .. } => ("RW3011", StatusCode::BAD_GATEWAY, "Answer withheld"),
            Self::LeakFound { .. } => ("RW3022", StatusCode::BAD_GATEWAY, "Answer withheld"),
            Self::Malformed { .. } => ("RW3000", StatusCode::BAD_REQUEST, "Malformed request"),
            Self::MediaType { .. } => {
                ("RW3014", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            Self::Message { .. } => ("RW3021", StatusCode::BAD_REQUEST, "Message refused"),
            Self::Method { .. } => ("RW3007", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::Moved { .. } => ("RW3006", StatusCode::PERMANENT_REDIRECT, "Moved"),
            Self::NoRoute => ("RW3006", StatusCode::NOT_FOUND, "No such path"),
            Self::NotOwned { .. } => ("RW3002", StatusCode::NOT_FOUND, "Not found"),
            Self::OwnerNotStated { .. } => {
                ("RW3010", StatusCode::INTERNAL_SERVER_ERROR, "Owner never stated")
            }
            Self::Overloaded { .. } => ("RW3018", StatusCode::SERVICE_UNAVAILABLE, "Too busy"),
            Self::SignIn { .. } => ("RW3001", StatusCode::SEE_OTHER, "Sign in"),
            Self::StepUp { want: Want::Factor, .. } => {
                ("RW3003", StatusCode::UNAUTHORIZED, "Second factor needed")
            }
            Self::StepUp { want: Want::Recent(_), .. } => {
                ("RW3003", StatusCode::UNAUTHORIZED, "Sign-in too long ago")
            }
            Self::Timeout => ("RW3013", StatusCode::GATEWAY_TIMEOUT, "Service too slow"),
            Self::TooLarge { .. } => ("RW3009", StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::TooMany { .. } => ("RW3004", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Unauthenticated { .. } => {
                ("RW3003", StatusCode::UNAUTHORIZED, "Not authenticated")
            }
            Self::Unavailable { .. } => ("RW3012", StatusCode::BAD_GATEWAY, "Service unavailable"),
            Self::Undecided { .. } => {
                ("RW3015", StatusCode::SERVICE_UNAVAILABLE, "Cannot decide now")
            }
            Self::WrongHost => ("RW3017", StatusCode::MISDIRECTED_REQUEST, "Wrong host"),
        };
        Public { code, title, status }
    }

    /// The catalogue's name for it (`event.action`).
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Forbidden { .. }
            | Self::NotSignedIn { .. }
            | Self::SignIn { .. }
            | Self::StepUp { .. } => "access-denied",
            Self::LeakFound { .. } => "leak-found",
            Self::NotOwned { .. } | Self::OwnerNotStated { .. } => "object-not-owned",
            Self::TooMany { .. } => "rate-limited",
            Self::Overloaded { .. } | Self::Timeout | Self::Unavailable { .. } => "upstream-error",
            Self::Attack { .. }
            | Self::BadInput { .. }
            | Self::Content { .. }
            | Self::CrossSite { .. }
            | Self::Leak { .. }
            | Self::Malformed { .. }
            | Self::MediaType { .. }
            | Self::Message { .. }
            | Self::Method { .. }
            | Self::Moved { .. }
            | Self::NoRoute
            | Self::TooLarge { .. }
            | Self::Unauthenticated { .. }
            | Self::Undecided { .. }
            | Self::WrongHost => "request-rejected",
        }
    }

    /// The stage that refuses.
    pub(crate) const fn stage(&self) -> &'static str {
        match self {
            Self::Attack { stage, .. } => stage,
            Self::Malformed { .. } | Self::WrongHost => "normalize",
            Self::Method { .. } | Self::Moved { .. } | Self::NoRoute => "route",
            Self::TooMany { .. } => "throttle",
            Self::CrossSite { .. } | Self::Unauthenticated { .. } => "authenticate",
            Self::Forbidden { .. }
            | Self::NotSignedIn { .. }
            | Self::SignIn { .. }
            | Self::StepUp { .. }
            | Self::Undecided { .. } => "authorize",
            Self::BadInput { .. }
            | Self::Content { .. }
            | Self::MediaType { .. }
            | Self::Message { .. }
            | Self::TooLarge { .. } => "inspect",
            Self::Overloaded { .. } | Self::Timeout | Self::Unavailable { .. } => "forward",
            Self::Leak { .. }
            | Self::LeakFound { .. }
            | Self::NotOwned { .. }
            | Self::OwnerNotStated { .. } => "review",
        }
    }

    /// The cause, for the operator only.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Attack { why, .. }
            | Self::BadInput { why }
            | Self::Content { why, .. }
            | Self::Forbidden { why, .. }
            | Self::Leak { why }
            | Self::LeakFound { why }
            | Self::Message { why, .. }
            | Self::NotSignedIn { why, .. }
            | Self::SignIn { why, .. }
            | Self::StepUp { why, .. }
            | Self::Undecided { why } => why.clone(),
            Self::CrossSite { why }
            | Self::Malformed { why }
            | Self::MediaType { why }
            | Self::Overloaded { why } => (*why).to_owned(),
            Self::Method { allow } => format!("the path takes only {allow}"),
            Self::Moved { location } => format!("the path is `{location}`"),
            Self::NoRoute => "no operation has this path".to_owned(),
            Self::NotOwned { .. } => "the object belongs to someone else".to_owned(),
            Self::OwnerNotStated { .. } => {
                "permitted for own objects only, and the service did not state the owner".to_owned()
            }
            Self::Timeout => "the service did not answer in time".to_owned(),
            Self::TooLarge { bytes_max } => format!("more than {bytes_max} bytes"),
            Self::TooMany { limit, .. } => format!("over the limit `{limit}`"),
            Self::Unauthenticated { why, .. } => why.clone().into_owned(),
            Self::Unavailable { why, source } => chain(why, source.as_deref()),
            Self::WrongHost => "the host is not a name of this gateway".to_owned(),
        }
    }

    /// The line that decided, or the nearest one.
    pub(crate) const fn line(&self) -> Option<&Place> {
        match self {
            Self::Forbidden { line, .. }
            | Self::NotOwned { line }
            | Self::NotSignedIn { line, .. }
            | Self::OwnerNotStated { line }
            | Self::SignIn { line, .. }
            | Self::StepUp { line, .. } => line.as_ref(),
            Self::Attack { .. }
            | Self::BadInput { .. }
            | Self::Content { .. }
            | Self::CrossSite { .. }
            | Self::Leak { .. }
            | Self::LeakFound { .. }
            | Self::Malformed { .. }
            | Self::MediaType { .. }
            | Self::Message { .. }
            | Self::Method { .. }
            | Self::Moved { .. }
            | Self::NoRoute
            | Self::Overloaded { .. }
            | Self::Timeout
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Unauthenticated { .. }
            | Self::Unavailable { .. }
            | Self::Undecided { .. }
            | Self::WrongHost => None,
        }
    }
}

/// What a second factor is called, and why it is asked for. Fixed texts of plain letters.
const AGAIN: &str = "error=\"insufficient_user_authentication\", \
                     error_description=\"A more recent sign-in is needed\"";
const MORE: &str = "error=\"insufficient_user_authentication\", \
    error_description=\"A second factor is needed\", acr_values=\"aal2\"";

fn chain(why: &str, source: Option<&(dyn Error + Send + Sync + 'static)>) -> String {
    let mut text = why.to_owned();
    let Some(source) = source else { return text };
    let mut error: &dyn Error = source;
    loop {
        text.push_str(": ");
        text.push_str(&error.to_string());
        match error.source() {
            Some(deeper) => error = deeper,
            None => return text,
        }
    }
}
