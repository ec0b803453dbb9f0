//! Keys of the fields that protect browsers, and of the apps' cookies.

use super::{TEXTS, key};
use crate::shape::{Key, Shape};

pub(crate) const HEADERS: &[Key] = &[
    key(
        "csp",
        Shape::Text,
        "Content Security Policy of pages whose app gives none: `default-src 'self'`; or `pass`.",
    ),
    key("csp_report_only", Shape::Text, "The same, only told of in the browser; or `pass`."),
    key("csp_force", Shape::Bool, "Ours replace the app's; not if not given."),
    key(
        "frame",
        Shape::Choice(&["deny", "same-origin", "pass"]),
        "Who may frame what the app says nothing of; nobody if not given.",
    ),
    key(
        "referrer",
        Shape::Choice(REFERRER),
        "How much other sites learn of the address; `strict-origin-when-cross-origin` if not given.",
    ),
    key(
        "hsts",
        Shape::Text,
        "How long browsers use TLS only: `max-age=31536000` if not given; or `pass`.",
    ),
    key(
        "coop",
        Shape::Choice(&[
            "same-origin",
            "same-origin-allow-popups",
            "noopener-allow-popups",
            "unsafe-none",
            "pass",
        ]),
        "Cross-Origin-Opener-Policy.",
    ),
    key(
        "corp",
        Shape::Choice(&["same-origin", "same-site", "cross-origin", "pass"]),
        "Cross-Origin-Resource-Policy.",
    ),
    key(
        "permissions",
        Shape::Text,
        "Permissions-Policy: `camera=(), geolocation=(), microphone=()` if not given; or `pass`.",
    ),
    key(
        "server",
        Shape::Choice(&["hide", "pass"]),
        "Whether the app may name its software: Server, X-Powered-By …; `hide` if not given.",
    ),
    key(
        "cookies",
        Shape::Choice(&["harden", "pass"]),
        "`harden` adds Secure, HttpOnly and SameSite=Lax to the app's cookies; `pass` if not given.",
    ),
    key(
        "cookies_read_by_scripts",
        TEXTS,
        "Names of cookies that never get HttpOnly: `[\"csrftoken\"]`.",
    ),
];

/// Referrer Policy section 3, and `pass`.
const REFERRER: &[&str] = &[
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
    "pass",
];
