use ringwall_testkit::{Sequence, vectors};
use serde_json::Value;

use super::*;

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn bytes(test: &Value, member: &str) -> Vec<u8> {
    unhex(test[member].as_str().unwrap())
}

/// Runs one vector in both directions, if it is of our key and nonce length.
fn check(test: &Value) -> bool {
    let key = Key::from_bytes(Secret::new(bytes(test, "key")));
    let (Some(key), Ok(nonce)) = (key, <[u8; NONCE_LEN]>::try_from(bytes(test, "iv"))) else {
        return false;
    };
    let (aad, message) = (bytes(test, "aad"), bytes(test, "msg"));
    let sealed = [nonce.to_vec(), bytes(test, "ct"), bytes(test, "tag")].concat();
    let is_valid = test["result"] == "valid";
    let opened = Cipher::Data.open(&key, &aad, &sealed);
    assert_eq!(opened.ok().map(|plain| plain.expose().clone()), is_valid.then(|| message.clone()));
    let ours = Cipher::Data.seal_with(&key, nonce, &aad, &message).unwrap();
    assert_eq!(ours == sealed, is_valid, "{test}");
    true
}

#[test]
fn wycheproof_agrees_on_aes_256_gcm() {
    let file: Value = serde_json::from_slice(&vectors("wycheproof/aes_gcm_test.json")).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let tests = groups.iter().flat_map(|group| group["tests"].as_array().unwrap());
    let run = tests.filter(|test| check(test)).count();
    assert!(run >= 60, "{run} vectors fit");
}

/// RFC 8452 appendix C.2: the third test of `AEAD_AES_256_GCM_SIV`.
#[test]
fn the_standard_agrees_on_aes_256_gcm_siv() {
    let mut key = vec![0; 32];
    key[0] = 1;
    let key = Key::from_bytes(Secret::new(key)).unwrap();
    let mut nonce = [0; NONCE_LEN];
    nonce[0] = 3;
    let plaintext = [1, 0, 0, 0, 0, 0, 0, 0];
    let sealed = Cipher::Wrap.seal_with(&key, nonce, &[], &plaintext).unwrap();
    let want = unhex("c2ef328e5c71c83b843122130f7364b761e0b97427e3df28");
    assert_eq!(sealed[NONCE_LEN..], want);
}

#[test]
fn cut_extended_or_flipped_text_does_not_open() {
    let entropy = Sequence::default();
    for cipher in [Cipher::Data, Cipher::Wrap] {
        let key = Key::generate(&entropy).unwrap();
        let sealed = cipher.seal(&key, b"aad", b"value", &entropy).unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(cipher.open(&key, b"aad", &sealed).unwrap().expose(), b"value");
        for length in 0..sealed.len() {
            assert!(cipher.open(&key, b"aad", &sealed[..length]).is_err());
        }
        assert!(cipher.open(&key, b"aad", &[&sealed[..], &[0]].concat()).is_err());
        for index in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[index] ^= 1;
            assert!(cipher.open(&key, b"aad", &flipped).is_err());
        }
        assert!(cipher.open(&key, b"add", &sealed).is_err());
        assert!(cipher.open(&Key::generate(&entropy).unwrap(), b"aad", &sealed).is_err());
    }
}
