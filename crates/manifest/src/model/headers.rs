//! The fields that protect browsers, and what becomes of the apps' cookies.

use super::{Model, Service};

/// What `[gateway.headers]`, or a service, says. `None`: as for the door, or as the program has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers {
    /// Policy of pages whose app gives none.
    pub csp: Option<HeaderLine>,
    /// The same, only told of.
    pub csp_report_only: Option<HeaderLine>,
    /// Whether ours replace the app's.
    pub csp_force: Option<bool>,
    /// Who may frame what the app says nothing of.
    pub frame: Option<Frame>,
    /// `Referrer-Policy`.
    pub referrer: Option<HeaderLine>,
    /// `Strict-Transport-Security`.
    pub hsts: Option<HeaderLine>,
    /// `Cross-Origin-Opener-Policy`.
    pub coop: Option<HeaderLine>,
    /// `Cross-Origin-Resource-Policy`.
    pub corp: Option<HeaderLine>,
    /// `Permissions-Policy`.
    pub permissions: Option<HeaderLine>,
    /// Whether the app's software is not named.
    pub hides_server: Option<bool>,
    /// Whether the app's cookies get the attributes that they lack.
    pub hardens_cookies: Option<bool>,
    /// Names of cookies that never get `HttpOnly`.
    pub cookies_read_by_scripts: Option<Vec<String>>,
}

/// A field that is added where the app has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderLine {
    /// Nothing is added.
    Pass,
    /// This value: visible ASCII and spaces.
    Set(String),
}

/// Who may frame a page.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Frame {
    /// Whoever likes to.
    Pass,
    /// Pages of its own origin.
    SameOrigin,
    /// Nobody.
    #[default]
    Deny,
}

impl Model {
    /// What is said for the answers of a service: its own word, key by key, before the door's.
    pub fn headers_for(&self, service: &Service) -> Headers {
        let (own, door) = (service.headers.clone(), Headers::clone(&self.gateway.headers));
        Headers {
            csp: own.csp.or(door.csp),
            csp_report_only: own.csp_report_only.or(door.csp_report_only),
            csp_force: own.csp_force.or(door.csp_force),
            frame: own.frame.or(door.frame),
            referrer: own.referrer.or(door.referrer),
            hsts: own.hsts.or(door.hsts),
            coop: own.coop.or(door.coop),
            corp: own.corp.or(door.corp),
            permissions: own.permissions.or(door.permissions),
            hides_server: own.hides_server.or(door.hides_server),
            hardens_cookies: own.hardens_cookies.or(door.hardens_cookies),
            cookies_read_by_scripts: own.cookies_read_by_scripts.or(door.cookies_read_by_scripts),
        }
    }
}
