//! CPU time of verifying an access token: one JSON object a line.
//!
//! `ringwall-raw` is the bare signature by the crypto library, `ringwall-cold` the whole token,
//! `ringwall-cached` a token that was seen before.

use std::io::Write as _;
use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use ringwall_base::{Algorithm, Timestamp};
use ringwall_jose::{
    AccessToken, Expected, KeySet, PrivateKey, TokenCache, base64url_decode, mint,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

const RUNS: usize = 7;
const NOW: u64 = 1_800_000_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` runs this with other arguments: only a bench measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    for (algorithm, primitive) in [
        (Algorithm::EdDsa, &ED25519 as &'static dyn VerificationAlgorithm),
        (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED),
    ] {
        bench(algorithm, primitive)?;
    }
    Ok(())
}

fn bench(
    algorithm: Algorithm,
    primitive: &'static dyn VerificationAlgorithm,
) -> Result<(), Failure> {
    let key = PrivateKey::generate(algorithm)?;
    let keys = KeySet::from_jwks(&key.public().clone().into())?;
    let issuer = "https://shop.localhost:8443".to_owned();
    let token = mint(&key, "at+jwt", &claims(&issuer))?;
    let expected = Expected { audience: issuer.clone(), issuer };
    let now = Timestamp::from_secs(NOW);

    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let signature = base64url_decode(signature).ok_or("no base64url")?;
    let public = ParsedPublicKey::new(primitive, point(&key)?)?;
    report("ringwall-raw", algorithm, 2_000, || {
        public.verify_sig(signed.as_bytes(), &signature).is_ok()
    })?;
    report("ringwall-cold", algorithm, 2_000, || {
        keys.verify_access(&token, &expected, now).is_ok()
    })?;
    let cache = TokenCache::<AccessToken, ()>::new(expected, 1_024);
    report("ringwall-cached", algorithm, 200_000, || {
        cache.verify(&keys, &token, (now, 1), |_claims| ()).is_ok()
    })
}

fn claims(issuer: &str) -> Value {
    json!({"iss": issuer, "aud": issuer, "sub": "01hzy8f2m3q4r5s6t7v8w9x0yz", "client_id": "web",
        "jti": "MTIzNDU2Nzg5MDEyMzQ1Ng", "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "scope": "openid profile", "roles": ["customer"], "name": "ada",
        "sid": "01hzy8f2m3q4r5s6t7v8w9x0ya", "auth_time": NOW})
}

/// The public key as the library wants it.
fn point(key: &PrivateKey) -> Result<Vec<u8>, Failure> {
    let public = key.public().to_json().ok_or("no public key")?;
    let part = |name: &str| public.get(name)?.as_str().and_then(base64url_decode);
    let x = part("x").ok_or("no x")?;
    Ok(part("y").map_or(x.clone(), |y| [vec![4], x, y].concat()))
}

fn report(
    contender: &str,
    algorithm: Algorithm,
    rounds: u32,
    mut work: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let mut samples = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = cpu_micros();
        for _ in 0..rounds {
            if !std::hint::black_box(work()) {
                return Err("a good token was refused".into());
            }
        }
        samples.push((cpu_micros() - started) / f64::from(rounds));
    }
    samples.sort_by(f64::total_cmp);
    let at = |index: usize| samples.get(index).copied().map(round);
    let line = json!({
        "bench": "jwt-verify",
        "contender": format!("{contender}-{}", algorithm.name().to_ascii_lowercase()),
        "unit": "us_cpu",
        "median": at(RUNS / 2),
        "min": at(0),
        "max": at(RUNS - 1),
        "n": RUNS,
    });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(secs, nanos).as_secs_f64() * 1e6
}

fn round(micros: f64) -> f64 {
    (micros * 1_000.0).round() / 1_000.0
}
