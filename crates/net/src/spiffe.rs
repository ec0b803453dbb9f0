//! SPIFFE ids: `spiffe://trust-domain/path`.
//!
//! The syntax is the one of the SPIFFE ID standard, section 2: no port, no user, no query, no
//! fragment, no percent-encoding, no empty or dot segment. One id has one spelling.

use std::fmt;

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

/// The identity of a workload.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SpiffeId(String);

/// Why a text or a certificate names no workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpiffeError {
    /// The certificate cannot be parsed, or names an extension twice.
    #[error("certificate cannot be read")]
    Certificate,
    /// Not exactly one URI among the subject's alternative names.
    #[error("certificate has not exactly one URI name")]
    Count,
    /// Not a SPIFFE id.
    #[error("name is not a SPIFFE id")]
    Syntax,
}

impl SpiffeId {
    /// Reads an id.
    ///
    /// # Errors
    /// When the text breaks the syntax.
    pub fn parse(text: &str) -> Result<Self, SpiffeError> {
        let rest = text.strip_prefix("spiffe://").ok_or(SpiffeError::Syntax)?;
        // Standard, section 2.3: at most 2,048 bytes, of which 255 for the trust domain.
        if text.len() > 2_048 {
            return Err(SpiffeError::Syntax);
        }
        let (domain, path) = match rest.split_once('/') {
            Some((domain, path)) => (domain, Some(path)),
            None => (rest, None),
        };
        if domain.is_empty() || domain.len() > 255 || !domain.bytes().all(is_domain_byte) {
            return Err(SpiffeError::Syntax);
        }
        if path.is_some_and(|path| !path.split('/').all(is_segment)) {
            return Err(SpiffeError::Syntax);
        }
        Ok(Self(text.to_owned()))
    }

    /// The id that a certificate carries: its only URI name.
    ///
    /// # Errors
    /// When there is none, more than one, or it is not a SPIFFE id.
    pub fn of_certificate(der: &CertificateDer<'_>) -> Result<Self, SpiffeError> {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else {
            return Err(SpiffeError::Certificate);
        };
        let Ok(Some(names)) = certificate.subject_alternative_name() else {
            return Err(SpiffeError::Count);
        };
        let mut uris =
            names.value.general_names.iter().filter_map(|name| {
                if let GeneralName::URI(uri) = name { Some(*uri) } else { None }
            });
        match (uris.next(), uris.next()) {
            (Some(uri), None) => Self::parse(uri),
            (None, _) | (Some(_), Some(_)) => Err(SpiffeError::Count),
        }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that names who vouches.
    pub fn trust_domain(&self) -> &str {
        let rest = self.0.strip_prefix("spiffe://").unwrap_or_default();
        rest.split_once('/').map_or(rest, |(domain, _)| domain)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_domain_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        for good in ["spiffe://shop/service/orders", "spiffe://shop", "spiffe://a.b-c_d/x.Y"] {
            assert!(SpiffeId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "spiffe://",
            "spiffe:///x",
            "SPIFFE://shop/x",
            "spiffe://Shop/x",
            "spiffe://shop/",
            "spiffe://shop//x",
            "spiffe://shop/../x",
            "spiffe://shop/x?y",
            "spiffe://shop/x#y",
            "spiffe://u@shop/x",
            "spiffe://shop:1/x",
            "spiffe://shop/%41",
            "https://shop/x",
        ] {
            assert_eq!(SpiffeId::parse(bad), Err(SpiffeError::Syntax), "{bad}");
        }
        assert_eq!(SpiffeId::parse("spiffe://shop/a/b").unwrap().trust_domain(), "shop");
    }
}
