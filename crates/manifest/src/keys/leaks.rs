//! Detectors of leaks, by name. The package that has them is held to this list by a test.

use crate::shape::Shape;

/// One, or several.
pub(crate) const DETECTORS: Shape = Shape::Either(&[Shape::Text, super::TEXTS]);

/// The name of a detector that finds values, as the gateway knows it.
pub(crate) fn known_detector(name: &str) -> Option<&'static str> {
    // The name before there were detectors.
    let name = if name == "card-number" { "card" } else { name };
    VALUE_DETECTORS.iter().copied().find(|known| *known == name)
}

/// What a data class can be found by.
pub const VALUE_DETECTORS: &[&str] = &[
    "aws-key",
    "card",
    "connection-string",
    "github-token",
    "gitlab-token",
    "google-key",
    "iban",
    "jwt",
    "npm-token",
    "private-key",
    "pypi-token",
    "ringwall-token",
    "sendgrid-key",
    "slack-token",
    "stripe-key",
    "twilio-key",
];
