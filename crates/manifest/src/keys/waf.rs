//! Keys of the web application firewall.

use super::{TEXTS, key};
use crate::shape::{Key, Shape};

pub(crate) const WAF: &[Key] = &[
    key(
        "rules",
        Shape::Choice(&["own", "crs"]),
        "Ringwall's own rules, or the installed OWASP CRS.",
    ),
    key("paranoia", Shape::Integer(1, 4), "How suspicious the rules are; 1 if not given."),
    key(
        "inbound_threshold",
        Shape::Integer(1, 10_000),
        "Score at which a request is refused; 5 if not given.",
    ),
    key(
        "outbound_threshold",
        Shape::Integer(1, 10_000),
        "Score at which an answer is withheld; 4 if not given.",
    ),
    key(
        "proven",
        Shape::Choice(&["skip", "look"]),
        "Whether rules that look for attacks pass over values that an OpenAPI document proves \
         harmless: a number, a UUID, a word of a list. `skip` if not given.",
    ),
    key(
        "collections",
        Shape::Choice(&["local", "shared"]),
        "Where rules remember what they count (`initcol`): in each gateway, or together in the \
         Redis of `[limits]`. `local` if not given.",
    ),
    key("before", TEXTS, "SecLang files read before the rules: `waf/before/*.conf`."),
    key("files", TEXTS, "SecLang files read after them: `waf/*.conf`."),
];

pub(crate) const WAF_MODE: Shape = Shape::Choice(&["off", "log", "block"]);

/// One word for a service, or one for each operation.
pub(crate) const WAF_MODES: Shape = Shape::Either(&[WAF_MODE, Shape::Map(&WAF_MODE)]);
