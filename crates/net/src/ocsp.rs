//! OCSP (RFC 6960, in the profile of RFC 5019): asks whether a certificate of ours is good, and
//! checks the answer before it is shown to clients.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use ringwall_base::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::Certificate;
use crate::der::{
    BIT_STRING, CONTEXT_0, CONTEXT_1, CONTEXT_2, ENUMERATED, GENERALIZED_TIME, INTEGER, NULL,
    OCTET_STRING, OID, Reader, SEQUENCE, element,
};
use crate::tls::provider;

/// The question about one certificate, and who answers it.
#[derive(Clone, Debug)]
pub struct Ocsp {
    issuer: CertificateDer<'static>,
    /// The `CertID`: hashes of the issuer's name and key, and the serial number.
    id: Vec<u8>,
    responder: String,
}

/// A checked answer that says good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Staple {
    pub(crate) response: Vec<u8>,
    begin: Timestamp,
    end: Timestamp,
}

/// Why an answer is not shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OcspError {
    /// Not an answer that can be parsed, or one that says why there is none.
    #[error("the responder gave no answer")]
    Answer,
    /// About another certificate.
    #[error("the answer is about another certificate")]
    Other,
    /// The certificate is revoked.
    #[error("the certificate is revoked")]
    Revoked,
    /// The responder does not know the certificate.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// Too old, or of the future, or without an end.
    #[error("the answer is not good at this time")]
    Time,
    /// Not signed by the issuer, or by one whom it allows to sign answers.
    #[error("the signature of the answer is not the issuer's")]
    Signature,
}

impl Ocsp {
    /// `None` when the certificate names no responder over plain HTTP, or its chain lacks the
    /// issuer.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let chain = certificate.chain();
        let (leaf, issuer) = (chain.first()?, chain.get(1)?);
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        let (_, parsed) = X509Certificate::from_der(issuer).ok()?;
        let responder = leaf.iter_extensions().find_map(|one| named(one.parsed_extension()))?;
        // SHA-1 names things here, it protects nothing: RFC 5019 section 2.1.1 asks for it.
        let hash = |bytes: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes);
        let algorithm = element(SEQUENCE, &[&element(OID, &[SHA1]), &element(NULL, &[])]);
        let name = hash(leaf.issuer().as_raw());
        let key = hash(&parsed.public_key().subject_public_key.data);
        let id = [
            algorithm,
            element(OCTET_STRING, &[name.as_ref()]),
            element(OCTET_STRING, &[key.as_ref()]),
            element(INTEGER, &[leaf.raw_serial()]),
        ];
        Some(Self { issuer: issuer.clone(), id: element(SEQUENCE, &[&id.concat()]), responder })
    }

    /// Whom to ask.
    pub fn responder(&self) -> &str {
        &self.responder
    }

    /// The question, without a nonce: responders sign in advance. `None` when the address of the
    /// responder is none.
    pub fn request(&self) -> Option<Request<Bytes>> {
        let list = element(SEQUENCE, &[&element(SEQUENCE, &[&self.id])]);
        let body = element(SEQUENCE, &[&element(SEQUENCE, &[&list])]);
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.responder.parse().ok()?;
        let kind = HeaderValue::from_static("application/ocsp-request");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        Some(request)
    }

    /// Checks an answer.
    ///
    /// # Errors
    /// Unless it is signed, of now, and says that this certificate is good.
    pub fn read(&self, response: &[u8], now: Timestamp) -> Result<Staple, OcspError> {
        let parts = parts(response).ok_or(OcspError::Answer)?;
        self.verify(&parts, now)?;
        let mut data = Reader::new(parts.data).enter(SEQUENCE).ok_or(OcspError::Answer)?;
        // Version, then the responder's name or key, then when it was made.
        data.take(CONTEXT_0);
        let named = data.take(CONTEXT_1).or_else(|| data.take(CONTEXT_2));
        let made = named.and_then(|_| data.take(GENERALIZED_TIME));
        let mut all = made.and_then(|_| data.enter(SEQUENCE)).ok_or(OcspError::Answer)?;
        while let Some(mut one) = all.enter(SEQUENCE) {
            let id = one.take(SEQUENCE).ok_or(OcspError::Answer)?;
            if id.whole != self.id {
                continue;
            }
            let (begin, end) = status(&mut one)?;
            // Clocks differ by a few minutes.
            if begin > now.plus(SKEW) || end <= now {
                return Err(OcspError::Time);
            }
            return Ok(Staple { response: response.to_vec(), begin, end });
        }
        Err(OcspError::Other)
    }

    /// RFC 6960 section 4.2.2.2: signed by the issuer, or by one that the issuer made for it.
    fn verify(&self, parts: &Parts<'_>, now: Timestamp) -> Result<(), OcspError> {
        if is_signed(&self.issuer, parts) {
            return Ok(());
        }
        let refused = |_webpki| OcspError::Signature;
        let anchor = webpki::anchor_from_trusted_cert(&self.issuer).map_err(refused)?;
        let algorithms = provider().signature_verification_algorithms.all;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.secs()));
        for der in &parts.certificates {
            let Ok(certificate) = EndEntityCert::try_from(der) else { continue };
            let usage = KeyUsage::required(SIGNS_OCSP);
            let anchors = std::slice::from_ref(&anchor);
            let path =
                certificate.verify_for_usage(algorithms, anchors, &[], now, usage, None, None);
            if path.is_ok() && is_signed(der, parts) {
                return Ok(());
            }
        }
        Err(OcspError::Signature)
    }
}

impl Staple {
    /// Halfway to its end, so that there is time for a responder that is away.
    pub fn refresh_at(&self) -> Timestamp {
        self.begin.plus(self.end.since(self.begin).checked_div(2).unwrap_or_default())
    }

    /// When it is not shown any more.
    pub const fn end(&self) -> Timestamp {
        self.end
    }
}

/// The responder over plain HTTP (RFC 6960 section 3.1).
fn named(extension: &ParsedExtension<'_>) -> Option<String> {
    let ParsedExtension::AuthorityInfoAccess(access) = extension else { return None };
    let mut responders =
        access.iter().filter(|one| one.access_method.as_bytes() == ACCESS_OCSP).filter_map(|one| {
            if let GeneralName::URI(uri) = &one.access_location { Some(*uri) } else { None }
        });
    responders.find(|uri| uri.starts_with("http://")).map(str::to_owned)
}

/// The parts of a `BasicOCSPResponse`.
struct Parts<'a> {
    data: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    certificates: Vec<CertificateDer<'a>>,
}

fn parts(response: &[u8]) -> Option<Parts<'_>> {
    let mut outer = Reader::new(response).enter(SEQUENCE)?;
    // 0: successful.
    outer.take(ENUMERATED).filter(|status| status.content == [0])?;
    let mut bytes = outer.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    bytes.take(OID).filter(|kind| kind.content == BASIC)?;
    let mut basic = Reader::new(bytes.take(OCTET_STRING)?.content).enter(SEQUENCE)?;
    let data = basic.take(SEQUENCE)?.whole;
    let algorithm = basic.take(SEQUENCE)?.content;
    // A signature has whole bytes: none of its last bits are unused.
    let signature = basic.take(BIT_STRING)?.content.strip_prefix(&[0])?;
    let mut certificates = Vec::new();
    if let Some(mut list) = basic.enter(CONTEXT_0).and_then(|mut list| list.enter(SEQUENCE)) {
        while let Some(one) = list.take(SEQUENCE).filter(|_| certificates.len() < CERTIFICATES_MAX)
        {
            certificates.push(CertificateDer::from(one.whole));
        }
    }
    Some(Parts { data, algorithm, signature, certificates })
}

fn is_signed(by: &CertificateDer<'_>, parts: &Parts<'_>) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(by) else { return false };
    let all = provider().signature_verification_algorithms.all;
    let mut fitting = all.iter().filter(|one| one.signature_alg_id().as_ref() == parts.algorithm);
    fitting.any(|one| certificate.verify_signature(*one, parts.data, parts.signature).is_ok())
}

/// Begin and end of an answer that says good.
fn status(one: &mut Reader<'_>) -> Result<(Timestamp, Timestamp), OcspError> {
    match one.next().ok_or(OcspError::Answer)?.tag {
        GOOD => {}
        CONTEXT_1 => return Err(OcspError::Revoked),
        _other => return Err(OcspError::Unknown),
    }
    let begin = one.take(GENERALIZED_TIME).and_then(|time| moment(time.whole));
    // Without an end it could be shown for ever.
    let end = one.enter(CONTEXT_0).and_then(|mut end| moment(end.take(GENERALIZED_TIME)?.whole));
    Ok((begin.ok_or(OcspError::Time)?, end.ok_or(OcspError::Time)?))
}

fn moment(der: &[u8]) -> Option<Timestamp> {
    let (_, time) = ASN1Time::from_der(der).ok()?;
    Some(Timestamp::from_secs(u64::try_from(time.timestamp()).ok()?))
}

/// 1.3.14.3.2.26.
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// id-pkix-ocsp-basic.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// id-ad-ocsp.
const ACCESS_OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
/// id-kp-OCSPSigning.
const SIGNS_OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
/// `[0] IMPLICIT NULL`.
const GOOD: u8 = 0x80;
const SKEW: Duration = Duration::from_mins(5);
/// Each costs the check of a signature.
const CERTIFICATES_MAX: usize = 4;
