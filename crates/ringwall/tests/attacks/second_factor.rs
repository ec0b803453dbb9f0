//! A person's authenticator app, and the two steps of signing in with it.

use aws_lc_rs::hmac;

use crate::ground::{Ground, hidden, with_form};
use crate::house::PASSWORD;
use crate::request::Request;
use crate::signing::{mac, now};
use crate::wire::Answer;

/// What was handed out at enrolment.
#[derive(Debug)]
pub(crate) struct Enrolled {
    secret: Vec<u8>,
    pub(crate) recovery: Vec<String>,
}

impl Enrolled {
    #[track_caller]
    pub(crate) fn of(ground: &Ground, name: &str) -> Self {
        let out = ground.house().run(&["user", "enrol", name]).good().out;
        let mut lines = out.lines();
        let secret = lines.next().unwrap().split("secret=").nth(1).unwrap();
        let secret = secret.split('&').next().unwrap();
        Self { secret: base32(secret), recovery: lines.map(str::to_owned).collect() }
    }

    /// RFC 6238, that many steps of thirty seconds from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        let step = i64::try_from(now() / 30).unwrap() + steps;
        let hash = mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret, &step.to_be_bytes());
        let at = usize::from(hash[19] & 15);
        let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// RFC 4648 section 6.
fn base32(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digits = text.chars().map(|letter| u64::try_from(alphabet.find(letter).unwrap()).unwrap());
    let digits: Vec<u64> = digits.collect();
    let group = |eight: &[u64]| {
        let number = eight.iter().fold(0, |number, digit| number << 5 | digit);
        number.to_be_bytes()[3..].to_vec()
    };
    digits.chunks_exact(8).flat_map(group).collect()
}

/// Password given; the page that asks for the code.
#[track_caller]
pub(crate) fn first_step(ground: &Ground, name: &str) -> Answer {
    let answer = ground.house().try_sign_in(name, PASSWORD);
    assert!(answer.body.contains("name=\"code\""), "{}", answer.raw);
    answer
}

/// The form of that page, with this code.
pub(crate) fn second_step(ground: &Ground, page: &Answer, code: &str) -> Request {
    let fields = hidden(&page.body);
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<_> = fields.chain([("code", code)]).collect();
    let request = Request::form("/login", &fields).field(with_form("", page));
    request.field(format!("Origin: {}", ground.issuer())).label("the second step")
}
