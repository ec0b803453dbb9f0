//! Which coding a client takes best: `Accept-Encoding` with its weights (RFC 9110 section 12.5.3).

use http::HeaderValue;
use http::header::GetAll;

/// A content coding that we make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Zstd,
}

impl Coding {
    /// Its name in a field.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The one that the client likes best; of equals the one that makes the shortest answer.
    /// `None`: nothing but the bytes themselves.
    pub(super) fn best(values: GetAll<'_, HeaderValue>) -> Option<Self> {
        let mut weights = Weights::default();
        for value in values {
            for member in value.to_str().ok()?.split(',').take(MEMBERS_MAX) {
                weights.note(member);
            }
        }
        let known = [
            (Self::Brotli, weights.brotli),
            (Self::Gzip, weights.gzip),
            (Self::Zstd, weights.zstd),
        ];
        let mut best: Option<(Self, u16)> = None;
        for (coding, weight) in known {
            let weight = weight.or(weights.other).unwrap_or(0);
            if weight > 0 && best.is_none_or(|(_, most)| weight > most) {
                best = Some((coding, weight));
            }
        }
        // A client that likes plain bytes better says so.
        let plain = weights.plain.unwrap_or(0);
        best.filter(|(_, weight)| *weight >= plain).map(|(coding, _)| coding)
    }
}

/// Thousandths, by coding. The first mention counts.
#[derive(Default)]
struct Weights {
    brotli: Option<u16>,
    gzip: Option<u16>,
    zstd: Option<u16>,
    plain: Option<u16>,
    other: Option<u16>,
}

impl Weights {
    fn note(&mut self, member: &str) {
        let (name, weight) = match member.split_once(';') {
            Some((name, rest)) => (name, thousandths(rest)),
            None => (member, Some(1_000)),
        };
        let name = name.trim();
        let of = |known: &str| name.eq_ignore_ascii_case(known);
        let slot = if of("br") {
            &mut self.brotli
        } else if of("gzip") || of("x-gzip") {
            &mut self.gzip
        } else if of("zstd") {
            &mut self.zstd
        } else if of("identity") {
            &mut self.plain
        } else if name == "*" {
            &mut self.other
        } else {
            return;
        };
        // A weight that cannot be read is none at all.
        slot.get_or_insert(weight.unwrap_or(0));
    }
}

/// `q=0.5` as 500.
fn thousandths(text: &str) -> Option<u16> {
    let (name, value) = text.trim().split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = format!("{part:0<3}").parse::<u16>().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// More codings than there are.
const MEMBERS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::ACCEPT_ENCODING;

    use super::*;

    #[track_caller]
    fn check(text: &'static str, want: Option<Coding>) {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static(text));
        assert_eq!(Coding::best(fields.get_all(ACCEPT_ENCODING)), want, "{text}");
    }

    #[test]
    fn the_best_liked_coding_is_taken() {
        check("gzip, deflate, br, zstd", Some(Coding::Brotli));
        check("gzip", Some(Coding::Gzip));
        check("zstd", Some(Coding::Zstd));
        check("X-GZIP", Some(Coding::Gzip));
        check("br;q=0.5, gzip;q=0.8", Some(Coding::Gzip));
        check("br;q=0, gzip;q=0.001", Some(Coding::Gzip));
        check("*", Some(Coding::Brotli));
        check("*;q=0.1, br;q=0", Some(Coding::Gzip));
        check("gzip;q=1.000", Some(Coding::Gzip));
    }

    #[test]
    fn a_client_that_takes_none_gets_none() {
        for text in [
            "",
            "identity",
            "deflate",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=2",
            "gzip;q=0.0001",
            "gzip;x=1",
            "identity, gzip;q=0.5",
        ] {
            check(text, None);
        }
    }
}
