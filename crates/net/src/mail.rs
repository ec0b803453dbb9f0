//! Letters to a mail server: SMTP with TLS from the start or from STARTTLS on, never without.
//!
//! The one place that knows the library for it. Where letters go is decided by who holds a
//! [`Mailer`]: nobody gets one that was not configured.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use ringwall_base::{Secret, Timestamp};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Where letters go, and how it is shown that they may.
#[derive(Debug)]
pub struct MailSettings {
    /// Host name of the server, which its certificate has to have.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS from the first byte; else STARTTLS, without which nothing is sent.
    pub is_wrapped: bool,
    /// User and password.
    pub login: Option<MailLogin>,
    /// The roots that vouch for the server, in PEM.
    pub roots: Vec<u8>,
    /// What this client calls itself.
    pub hello: String,
}

/// A user and the password.
pub type MailLogin = (String, Secret<String>);

/// A letter to one person.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The same when it is sent again: `<id@host>`.
    pub message_id: &'a str,
    /// `Shop <login@shop.example>`.
    pub from: &'a str,
    /// The address.
    pub to: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The text.
    pub text: &'a str,
    /// When it was written.
    pub at: Timestamp,
}

/// Sends letters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    within: Duration,
}

/// Why a letter was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address that is none.
    #[error("an address cannot be written to")]
    Address(#[from] AddressError),
    /// It was not taken in time.
    #[error("the mail server did not take it in time")]
    Late,
    /// It cannot be written down.
    #[error("the letter cannot be written down")]
    Letter(#[from] lettre::error::Error),
    /// The server says that it will never take it.
    #[error("the mail server refuses it")]
    Refused(#[source] lettre::transport::smtp::Error),
    /// The roots cannot be read, or there are none.
    #[error("the roots cannot be used")]
    Roots,
    /// The server is away, is not who it should be, or wants to be asked again.
    #[error("the mail server does not take it now")]
    Later(#[source] lettre::transport::smtp::Error),
}

impl Mailer {
    /// Ready to send; connects to nobody yet.
    ///
    /// # Errors
    /// When there is no root.
    pub fn new(settings: MailSettings) -> Result<Self, MailError> {
        let mut parameters =
            TlsParameters::builder(settings.host.clone()).certificate_store(CertificateStore::None);
        let mut count = 0_usize;
        // Of a system's bundle, what webpki cannot read is left out, as every client does.
        for root in CertificateDer::pem_slice_iter(&settings.roots).filter_map(Result::ok) {
            if RootCertStore::empty().add(root.clone()).is_ok() {
                let root = Certificate::from_der(root.to_vec()).map_err(MailError::Later)?;
                parameters = parameters.add_root_certificate(root);
                count = count.saturating_add(1);
            }
        }
        if count == 0 {
            return Err(MailError::Roots);
        }
        let parameters = parameters.build().map_err(MailError::Later)?;
        let tls =
            if settings.is_wrapped { Tls::Wrapper(parameters) } else { Tls::Required(parameters) };
        // The only way to name host, port and TLS each by itself; TLS is never left out here.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host)
            .port(settings.port)
            .tls(tls)
            .hello_name(ClientId::Domain(settings.hello))
            .timeout(Some(CONNECT_TIME));
        if let Some((user, password)) = settings.login {
            builder = builder.credentials(Credentials::new(user, password.expose().clone()));
        }
        Ok(Self { transport: builder.build(), within: WHOLE_TIME })
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// When the server is away, is not trusted, or does not take it.
    pub async fn send(&self, mail: Mail<'_>) -> Result<(), MailError> {
        let message = message(mail)?;
        // The library limits the connecting alone: a server that says nothing would hold us forever.
        let sent = tokio::time::timeout(self.within, Box::pin(self.transport.send(message))).await;
        match sent.map_err(|_elapsed| MailError::Late)? {
            Ok(_taken) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Refused(error)),
            Err(error) => Err(MailError::Later(error)),
        }
    }
}

impl Mail<'_> {
    /// As it goes over the wire, for a file.
    ///
    /// # Errors
    /// When an address is none.
    pub fn to_bytes(self) -> Result<Vec<u8>, MailError> {
        Ok(message(self)?.formatted())
    }
}

fn message(mail: Mail<'_>) -> Result<Message, MailError> {
    let (from, to): (Mailbox, Mailbox) = (mail.from.parse()?, mail.to.parse()?);
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(mail.at.secs())).unwrap_or(UNIX_EPOCH);
    let message = Message::builder()
        .from(from)
        .to(to)
        .date(at)
        .message_id(Some(mail.message_id.to_owned()))
        .subject(mail.subject)
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.to_owned())?;
    Ok(message)
}

/// RFC 3834 section 5: no answer by a machine is wanted.
#[derive(Clone, Copy, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// From the look-up of the name to the server's last word.
const WHOLE_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn mail<'a>(to: &'a str, subject: &'a str) -> Mail<'a> {
        let at = Timestamp::from_secs(1_800_000_000);
        let from = "Shop <login@shop.example>";
        Mail { message_id: "<1@shop.example>", from, to, subject, text: "Gr\u{fc}\u{df}e\n", at }
    }

    #[test]
    fn nobody_writes_a_header_into_a_letter() {
        let text = |mail: Mail<'_>| String::from_utf8(mail.to_bytes().unwrap()).unwrap();
        let letter = text(mail("ada@example.org", "a\r\nBcc: eve@evil.example"));
        assert!(!letter.contains("\nBcc:"), "{letter}");
        assert!(letter.contains("Auto-Submitted: auto-generated\r\n"), "{letter}");
        assert!(mail("ada@example.org\r\nBcc: eve@evil.example", "a").to_bytes().is_err());
        assert!(mail("ada@example.org, eve@evil.example", "a").to_bytes().is_err());
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_holds_nobody() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1");
        let port = listener.local_addr().unwrap().port();
        let transport = transport.port(port).timeout(None).build();
        let mailer = Mailer { transport, within: Duration::from_millis(1) };
        let error = mailer.send(mail("ada@example.org", "a")).await.unwrap_err();
        assert!(matches!(error, MailError::Late), "{error}");
    }

    #[test]
    fn without_a_root_nobody_is_trusted() {
        let settings = MailSettings {
            host: "mail.example".to_owned(),
            port: 465,
            is_wrapped: true,
            login: None,
            roots: b"no certificate".to_vec(),
            hello: "shop.example".to_owned(),
        };
        assert!(matches!(Mailer::new(settings), Err(MailError::Roots)));
    }
}
