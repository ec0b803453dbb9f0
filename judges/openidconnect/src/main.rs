//! A relying party made of the `openidconnect` crate: JUDGE ORIGIN ROOTS SECRET, with the clients `rust` (public)
//! and `rustjob` (with the secret) registered.
//!
//! It prints the address that a browser has to visit, and reads from standard input where that was sent back to.
//! It ends with `done`, or with what was wrong.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::process::{Command, Stdio};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreDeviceAuthorizationResponse, CoreErrorResponseType,
    CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::http::{HeaderName, HeaderValue, Response, StatusCode};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointMaybeSet, EndpointSet, HttpRequest, HttpResponse,
    IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, RevocationUrl, Scope, StandardErrorResponse,
    TokenIntrospectionResponse as _, TokenResponse as _,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const CALLBACK: &str = "https://app.example/callback";

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [origin, roots, secret] = words.as_slice() else { return Err("three words".into()) };
    let judge = Judge::discover(origin, roots)?;
    judge.person()?;
    judge.wrong_answers()?;
    judge.device()?;
    judge.program(secret)?;
    println!("done");
    Ok(())
}

/// What the server says of itself, and where.
struct Judge {
    origin: String,
    roots: String,
    metadata: CoreProviderMetadata,
}

/// A request to the authorization endpoint, and what came back.
struct Visit {
    code: AuthorizationCode,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// With all endpoints that are used here. `Maybe`: those that the metadata may leave out.
type Client = CoreClient<
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Judge {
    fn discover(origin: &str, roots: &str) -> Outcome<Self> {
        let http = |request: HttpRequest| curl(roots, request);
        let issuer = IssuerUrl::new(origin.to_owned())?;
        let metadata = CoreProviderMetadata::discover(&issuer, &http)?;
        let expected = AuthUrl::new(format!("{origin}/oauth/authorize"))?;
        is(metadata.authorization_endpoint() == &expected, "another authorization endpoint")?;
        Ok(Self { origin: origin.to_owned(), roots: roots.to_owned(), metadata })
    }

    fn http(&self) -> impl Fn(HttpRequest) -> Result<HttpResponse, std::io::Error> {
        let roots = self.roots.clone();
        move |request| curl(&roots, request)
    }

    fn client(&self, id: &str, secret: Option<&str>) -> Outcome<Client> {
        let at = |path: &str| format!("{}/oauth/{path}", self.origin);
        let (id, secret) = (ClientId::new(id.to_owned()), secret.map(str::to_owned));
        let client = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            id,
            secret.map(ClientSecret::new),
        );
        Ok(client
            .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?)
            .set_revocation_url(RevocationUrl::new(at("revoke"))?)
            .set_introspection_url(IntrospectionUrl::new(at("introspect"))?)
            .set_device_authorization_url(DeviceAuthorizationUrl::new(at("device_authorization"))?))
    }

    /// Sends the browser there, and checks what it comes back with.
    fn visit(&self) -> Outcome<Visit> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client("rust", None)?
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        println!("{url}");
        std::io::stdout().flush()?;
        let mut back = String::new();
        std::io::stdin().lock().read_line(&mut back)?;
        let back = Url::parse(back.trim())?;
        let said = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, v)| v);
        is(said("state").as_deref() == Some(state.secret()), "another state")?;
        is(said("iss").as_deref() == Some(&self.origin), "another issuer")?;
        let code = said("code").ok_or("no code")?;
        Ok(Visit { code: AuthorizationCode::new(code.into_owned()), nonce, verifier })
    }

    /// Code and PKCE, ID token, userinfo, refresh, revocation.
    fn person(&self) -> Outcome<()> {
        let client = self.client("rust", None)?;
        let http = self.http();
        let visit = self.visit()?;
        let tokens =
            client.exchange_code(visit.code)?.set_pkce_verifier(visit.verifier).request(&http)?;
        let id_token = tokens.id_token().ok_or("no ID token")?;
        let verifier = client.id_token_verifier();
        let claims = id_token.claims(&verifier, &visit.nonce)?;
        is(id_token.claims(&verifier, &Nonce::new_random()).is_err(), "another nonce was taken")?;
        let hash = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg()?,
            id_token.signing_key(&verifier)?,
        )?;
        is(claims.access_token_hash() == Some(&hash), "another at_hash")?;
        let subject = claims.subject().clone();
        let info: CoreUserInfoClaims =
            client.user_info(tokens.access_token().clone(), Some(subject))?.request(&http)?;
        is(info.subject() == claims.subject(), "another person")?;

        let refresh = tokens.refresh_token().ok_or("no refresh token")?;
        let next = client.exchange_refresh_token(refresh)?.request(&http)?;
        is(next.access_token().secret() != tokens.access_token().secret(), "the same token")?;
        let last = next.refresh_token().ok_or("no next refresh token")?;
        client.revoke_token(last.clone().into())?.request(&http)?;
        is_refused(client.exchange_refresh_token(last)?.request(&http))
    }

    /// A verifier of another request, and a code that was used.
    fn wrong_answers(&self) -> Outcome<()> {
        let client = self.client("rust", None)?;
        let http = self.http();
        let (first, second) = (self.visit()?, self.visit()?);
        let mixed = client.exchange_code(first.code)?.set_pkce_verifier(second.verifier);
        is_refused(mixed.request(&http))?;
        let bare = client.exchange_code(second.code)?.request(&http);
        match bare {
            Err(RequestTokenError::ServerResponse(_)) => Ok(()),
            other => Err(format!("a code without a verifier: {other:?}").into()),
        }
    }

    /// The person decides on a page, while this waits as the crate does.
    fn device(&self) -> Outcome<()> {
        let client = self.client("rust", None)?;
        let http = self.http();
        let asked: CoreDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scope(Scope::new("openid".to_owned()))
            .request(&http)?;
        let page = asked.verification_uri_complete().ok_or("no complete address")?;
        println!("{}", page.secret());
        std::io::stdout().flush()?;
        let tokens = client.exchange_device_access_token(&asked)?.request(
            &http,
            std::thread::sleep,
            None,
        )?;
        is(tokens.id_token().is_some(), "no ID token for a device")
    }

    /// Client credentials by `client_secret_basic`, introspection, and a wrong secret.
    fn program(&self, secret: &str) -> Outcome<()> {
        let http = self.http();
        let client = self.client("rustjob", Some(secret))?;
        let tokens = client.exchange_client_credentials()?.request(&http)?;
        let active = |token: &AccessToken| -> Outcome<bool> {
            Ok(client.introspect(token).request(&http)?.active())
        };
        is(active(tokens.access_token())?, "a live token is not active")?;
        is(!active(&AccessToken::new("nothing".to_owned()))?, "nothing is active")?;
        client.revoke_token(tokens.access_token().clone().into())?.request(&http)?;
        is(!active(tokens.access_token())?, "a revoked token is active")?;
        let other = self.client("rustjob", Some("wrong"))?;
        match other.exchange_client_credentials()?.request(&http) {
            Err(RequestTokenError::ServerResponse(told))
                if *told.error() == CoreErrorResponseType::InvalidClient =>
            {
                Ok(())
            }
            other => Err(format!("a wrong secret: {other:?}").into()),
        }
    }
}

fn is(condition: bool, otherwise: &str) -> Outcome<()> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// That a grant is no good (RFC 6749 section 5.2).
fn is_refused<T, E: Error>(
    outcome: Result<T, RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>>,
) -> Outcome<()> {
    match outcome {
        Err(RequestTokenError::ServerResponse(told))
            if *told.error() == CoreErrorResponseType::InvalidGrant =>
        {
            Ok(())
        }
        Err(other) => Err(format!("refused in another way: {other}").into()),
        Ok(_) => Err("it was given".into()),
    }
}

/// The network is `curl`: it knows `*.localhost`, and brings no second TLS library to build.
fn curl(roots: &str, request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-i", "--http1.1", "--max-time", "60", "--noproxy", "*", "--cacert", roots]);
    curl.args(["-X", request.method().as_str(), "--data-binary", "@-", "-H", "Expect:"]);
    for (name, value) in request.headers() {
        curl.arg("-H").arg(format!("{name}: {}", value.to_str().unwrap_or_default()));
    }
    if request.body().is_empty() {
        // Else curl says that a form follows.
        curl.args(["-H", "Content-Type:", "-H", "Content-Length:"]);
    }
    curl.arg(request.uri().to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = curl.spawn()?;
    child.stdin.take().map_or(Ok(()), |mut input| input.write_all(request.body()))?;
    let told = child.wait_with_output()?.stdout;
    let end = told.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| std::io::Error::other("no answer"))?;
    let head = String::from_utf8_lossy(&told[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|text| StatusCode::from_bytes(text.as_bytes()).ok());
    let mut response = Response::new(told[end + 4..].to_vec());
    *response.status_mut() = status.ok_or_else(|| std::io::Error::other("no status"))?;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(std::io::Error::other)?;
        let value = HeaderValue::from_str(value.trim()).map_err(std::io::Error::other)?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}
