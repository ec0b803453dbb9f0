//! Numbers and secrets: public test values, and what only looks like them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{found, names};

#[track_caller]
fn is_one(name: &str, value: &str) {
    for (before, after) in [
        ("", ""),
        (" ", "\n"),
        ("{\"a\":\"", "\"}"),
        ("{\"a\":\"first\\n", "\\nlast\"}"),
        ("<td>", "</td>"),
        ("x=", "&y=1"),
        ("(", ")."),
    ] {
        let text = format!("{before}{value}{after}");
        assert!(
            found(&text).contains(&(static_name(name), value.to_owned())),
            "{text}: {:?}",
            found(&text)
        );
    }
}

fn static_name(name: &str) -> &'static str {
    ringwall_leaks::Detector::named(name).unwrap().name()
}

#[test]
fn test_numbers_of_issuers_are_cards() {
    for card in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u{a0}1111\u{a0}1111\u{a0}1111",
        "4012888888881881",
        "4222222222222",
        "5555555555554444",
        "5105105105105100",
        "2223003122003222",
        "2720990000000007",
        "378282246310005",
        "3782 822463 10005",
        "371449635398431",
        "6011111111111117",
        "30569309025904",
        "3056 930902 5904",
        "38520000023237",
        "3530111333300000",
        "6200000000000005",
        "6759649826438453",
        "2200000000000004",
    ] {
        is_one("card", card);
    }
    for text in [
        "card-4111111111111111",
        "id.4111111111111111",
        "x,4111111111111111.0,",
        "[4111111111111111.00]",
    ] {
        assert_eq!(found(text), [("card", "4111111111111111".to_owned())], "{text}");
    }
    // A date and a check number behind it are not of it.
    for text in ["4111 1111 1111 1111 12/27", "4111 1111 1111 1111 123", "1 4111111111111111 2"] {
        let card = if text.contains("4111 ") { "4111 1111 1111 1111" } else { "4111111111111111" };
        assert_eq!(found(text), [("card", card.to_owned())], "{text}");
    }
}

#[test]
fn what_is_like_a_card_is_none() {
    for text in [
        "4111111111111112",
        "1111111111111117",
        "14111111111111111",
        "41111111111111110",
        "0.4111111111111111",
        "4111111111111111.5",
        "4111111111111111.05",
        "1.4111111111111111",
        "face-4111111111111111",
        "1-4111111111111111",
        "+4111111111111111",
        "id_4111111111111111",
        "4111111111111111a",
        "550e8400-4111-1111-1111-111111111111",
        "4111 1111-1111 1111",
        "4111  1111  1111  1111",
        "1763862000123",
        "1763862000123456",
        "1763862000123456789",
        "2026-11-23 01:20:39.411111",
        "41111111 11111111",
    ] {
        assert!(!names(text).contains(&"card"), "{text}: {:?}", found(text));
    }
}

/// Splitmix64: the same numbers in every run.
fn numbers() -> impl Iterator<Item = u64> {
    (1_u64..).map(|at| {
        let mut x = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    })
}

#[test]
fn ids_and_times_are_seldom_taken_for_something_else() {
    let scanner = ringwall_leaks::Scanner::new().unwrap();
    let all: ringwall_leaks::Detectors = ringwall_leaks::Detector::ALL.into_iter().collect();
    let rate = |make: &dyn Fn(u64, u64) -> String| {
        let mut numbers = numbers();
        let hits = (0..10_000).filter(|_| {
            let text = make(numbers.next().unwrap(), numbers.next().unwrap());
            !scanner.scan(text.as_bytes(), all, 1).findings.is_empty()
        });
        hits.count()
    };
    let uuid = |a: u64, b: u64| {
        let (node, low, end) = (b & 0xffff_ffff_ffff, a & 0xfff, b >> 52);
        format!("{:08x}-{:04x}-4{low:03x}-a{end:03x}-{node:012x}", a >> 32, a >> 16 & 0xffff)
    };
    assert_eq!(rate(&uuid), 0);
    assert_eq!(rate(&|a, b| format!("{a:016x}{b:016x}")), 0);
    // Times of this century in seconds, milliseconds, microseconds and nanoseconds.
    for digits in [1, 1_000, 1_000_000, 1_000_000_000] {
        assert_eq!(
            rate(&|a, _| (1_700_000_000 * digits + a % (100_000_000 * digits)).to_string()),
            0
        );
    }
    // Ids of 64 bits that count time, as X and Discord have them: 18 and 19 digits.
    assert_eq!(
        rate(&|a, _| (1_100_000_000_000_000_000 + a % 400_000_000_000_000_000).to_string()),
        0
    );
    // Sixteen digits at random have an issuer in a fifth of all cases, and one in ten fits then.
    let random = rate(&|a, _| format!("{:016}", a % 10_000_000_000_000_000));
    assert!((100..300).contains(&random), "{random}");
    let letters =
        |a: u64, b: u64| URL_SAFE_NO_PAD.encode([a.to_be_bytes(), b.to_be_bytes()].concat());
    assert!(rate(&letters) <= 1, "{}", rate(&letters));
}

/// Examples of the registry.
const IBANS: &str = "
    AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741
    AT611904300234573201 AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034
    BG80BNBG96611020345678 BH67BMAG00001299123456 BR1800360305000010009795493C1
    BY13NBRB3600900000002Z00AB00 CH9300762011623852957 CR05015202001026284066
    CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243
    DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002
    ES9121000418450200051332 FI2112345600000785 FO6264600001631634 FR1420041010050500013M02606
    GB29NWBK60161331926819 GE29NB0000000101904917 GI75NWBK000000007099453 GL8964710001000206
    GR1601101250000000012300695 GT82TRAJ01020000001210029690 HR1210010051863000160
    HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999
    IQ98NBIQ850123456789012 IS140159260076545510730339 IT60X0542811101000000123456
    JO94CBJO0010000000000131000302 KW81CBKU0000000000001234560101 KZ86125KZT5004100100
    LB62099900000001001901229114 LC55HEMM000100010012001200023015 LI21088100002324013AA
    LT121000011101001000 LU280019400644750000 LV80BANK0000435195001 MC5811222000010123456789030
    MD24AG000225100013104168 ME25505000012345678951 MK07250120000058984 MR1300020001010000123456753
    MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR NL91ABNA0417164300
    NO9386011117947 PK36SCBL0000001123456702 PL61109010140000071219812874
    PS92PALS000000000400123456702 PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG
    RO49AAAA1B31007593840000 RS35260005601001611379 SA0380000000608010167519
    SC18SSCB11010000000000001497USD SE4550000000058398257466 SI56263300012039086
    SK3112000000198742637541 SM86U0322509800000000270100 ST23000100010051845310146
    SV62CENR00000000000000700025 TL380080012345678910157 TN5910006035183598478831
    TR330006100519786457841326 UA213223130000026007233566001 VA59001123000012345678
    VG96VPVG0000012345678901 XK051212012345678906
";

#[test]
fn examples_of_the_registry_are_accounts() {
    for iban in IBANS.split_whitespace() {
        is_one("iban", iban);
        let paper: Vec<String> = iban
            .as_bytes()
            .chunks(4)
            .map(|four| String::from_utf8_lossy(four).into_owned())
            .collect();
        is_one("iban", &paper.join(" "));
        is_one("iban", &iban.to_lowercase());
        let mut broken = iban.to_owned().into_bytes();
        broken[2] = if broken[2] == b'9' { b'8' } else { broken[2] + 1 };
        let broken = String::from_utf8(broken).unwrap();
        assert!(!names(&broken).contains(&"iban"), "{broken}");
        assert!(!names(&format!("{iban}7")).contains(&"iban"), "{iban}7");
        assert!(!names(&format!("x{iban}")).contains(&"iban"), "x{iban}");
    }
}

/// Letters of a token, so that no line here is one.
fn letters(count: usize) -> String {
    "aB3dE5gH7jK9mN1pQ2sT4vW6xY8z".chars().cycle().take(count).collect()
}

#[test]
fn secrets_are_known_by_their_shapes() {
    let hex: String = "0123456789abcdef".chars().cycle().take(32).collect();
    for (name, value) in [
        ("aws-key", format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE")),
        ("aws-key", format!("{}{}", "ASIA", "IOSFODNN7EXAMPLE")),
        ("github-token", format!("{}{}", "ghp_", letters(36))),
        ("github-token", format!("{}{}", "ghs_", letters(36))),
        ("github-token", format!("{}{}_{}", "github_pat_", letters(22), letters(59))),
        ("gitlab-token", format!("{}{}", "glpat-", letters(20))),
        (
            "slack-token",
            format!("{}{}-{}-{}", "xoxb-", "123456789012", "123456789012", letters(24)),
        ),
        ("stripe-key", format!("{}{}", "sk_live_", letters(24))),
        ("stripe-key", format!("{}{}", "rk_live_", letters(99))),
        ("google-key", format!("{}{}", "AIza", letters(35))),
        ("npm-token", format!("{}{}", "npm_", letters(36))),
        ("pypi-token", format!("{}{}", "pypi-AgEIcHlwaS5vcmc", letters(120))),
        ("sendgrid-key", format!("{}{}.{}", "SG.", letters(22), letters(43))),
        ("twilio-key", format!("{}{hex}", "SK")),
        ("ringwall-token", format!("{}{}_{}", "rws_", letters(43), letters(6))),
        ("ringwall-token", format!("{}{}_{}", "rwm_", letters(43), letters(6))),
        ("ringwall-token", format!("{}{}_{}", "rwi_", letters(43), letters(6))),
        (
            "ringwall-token",
            format!("rwr_{}{}_{}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", letters(65), letters(6)),
        ),
    ] {
        is_one(name, &value);
        assert_eq!(names(&format!("x{value}")), <[&str; 0]>::default(), "x{value}");
        let short: String = value.chars().take(18).collect();
        assert_eq!(names(&short), <[&str; 0]>::default(), "{short}");
    }
    let secret = letters(40);
    for text in [
        format!("aws_secret_access_key = {secret}"),
        format!("{{\"SecretAccessKey\": \"{secret}\"}}"),
        format!("AWS_SECRET_ACCESS_KEY={secret}\n"),
    ] {
        assert_eq!(names(&text), ["aws-key"], "{text}");
    }
}

#[test]
fn a_signed_token_is_one_and_three_words_are_not() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let (header, payload) = (part("{\"alg\":\"ES256\"}"), part("{\"sub\":\"ada\"}"));
    is_one("jwt", &format!("{header}.{payload}.{}", letters(86)));
    is_one("jwt", &format!("{header}.{payload}.{}", letters(43)));
    for text in [
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{}", letters(20)),
        format!("{header}.{}.{}", part("no object"), letters(86)),
        format!("{}.{payload}.{}", part("{\"al\":1}"), letters(86)),
        format!("{header}.{payload}.{}", letters(85)),
        format!("{header}.{payload}.{}.{}", letters(86), letters(86)),
    ] {
        assert_eq!(names(&text), <[&str; 0]>::default(), "{text}");
    }
}

#[test]
fn keys_are_found_whole_and_their_first_line_alone_is_not() {
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let body = format!("{}\n{}", letters(64), letters(32));
        let head = if label.starts_with("RSA") { "Proc-Type: 4,ENCRYPTED\n\n" } else { "\n" };
        let key = format!("-----BEGIN {label}-----\n{head}{body}\n-----END {label}-----\n");
        assert_eq!(names(&key), ["private-key"], "{key}");
        let json = key.replace('\n', "\\n").replace("3d", "\\/");
        assert_eq!(names(&format!("{{\"key\":\"{json}\"}}")), ["private-key"], "{json}");
        let (_, value) = found(&key).remove(0);
        assert!(value.contains(&letters(32)) && value.ends_with("-----END "), "{value}");
        let manual = format!("a file that begins with -----BEGIN {label}----- and so on");
        assert_eq!(names(&manual), <[&str; 0]>::default(), "{manual}");
    }
    let public = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", letters(64));
    assert_eq!(names(&public), <[&str; 0]>::default());
}

#[test]
fn passwords_in_addresses_are_found_and_examples_are_not() {
    for text in [
        "postgresql://shop:s3cr3t!x@db:5432/shop",
        "postgresql+psycopg2://shop:s3cr3tx@db/shop",
        "{\"url\":\"mysql:\\/\\/shop:s3cr3tx@db\\/shop\"}",
        "redis://:hunter22@cache:6379/0",
        "amqps://guest:gu3stpw@mq/",
        "https://ada:hunter22@example.com/",
        "Server=db;Database=shop;User Id=shop;Password=hunter22;",
        "host=db user=shop password=hunter22 dbname=shop",
        "server=db;uid=root;pwd=hunter22",
        "Password=hunter22;Server=db",
        "password=hunter22 host=db",
    ] {
        assert_eq!(names(text), ["connection-string"], "{text}");
    }
    for text in [
        "postgresql://shop@db/shop",
        "postgresql://user:password@localhost/db",
        "postgresql://user:****@localhost/db",
        "postgresql://user:${DB_PASSWORD}@localhost/db",
        "https://example.com:8443/@ada",
        "https://example.com/?q=a:b@c",
        "password=hunter22",
        "password=hunter22\nhost=db",
        "password=hunter22&server=db",
        "host=db password=secret",
    ] {
        assert_eq!(names(text), <[&str; 0]>::default(), "{text}");
    }
}
