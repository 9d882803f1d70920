use http::{HeaderName, HeaderValue};
use proptest::{prelude::*, sample::select};

use super::*;

const PROOFS: [Proof; 5] = [
    Proof::Hmac { header: "x-hub-signature-256", prefix: "sha256=" },
    Proof::Hmac { header: "x-gitea-signature", prefix: "" },
    Proof::Hmac { header: "x-hub-signature", prefix: "sha256=" },
    Proof::SignedMessage,
    Proof::Token { header: "x-gitlab-token" },
];

const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;
/// The bytes 0 to 31 as a signing token: every proof takes it.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHiA=";

fn headers(of: &[(&'static str, String)]) -> HeaderMap {
    let header = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
    };
    of.iter().map(header).collect()
}

fn proven(proof: Proof, body: &[u8], secret: &str) -> HeaderMap {
    let id = "d-1".parse().expect("a delivery id");
    headers(&proof.prove(&id, body, &secret.into(), SystemTime::now()).expect("a proof"))
}

fn check(proof: Proof, headers: &HeaderMap, body: &[u8], secrets: &[&str]) -> Result<(), VerifyError> {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
    proof.check(headers, body, &secrets).map(drop)
}

#[test]
fn published_signatures_are_accepted_and_are_what_we_would_send() {
    // GitHub's is of <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>, Bitbucket's of
    // <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>. Gitea publishes none, and is GitHub's without its
    // prefix; recorded deliveries of Gitea are checked in tests/recorded.rs.
    let everybody = "It's a Secret to Everybody";
    for (proof, body, digits) in [
        (PROOFS[0], "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        (PROOFS[1], "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        (PROOFS[2], "Hello World!", "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"),
    ] {
        let Proof::Hmac { header, prefix } = proof else { unreachable!("an HMAC") };
        let published = headers(&[(header, format!("{prefix}{digits}"))]);
        assert_eq!(check(proof, &published, body.as_bytes(), &[everybody]), Ok(()), "{proof:?}");
        assert_eq!(proven(proof, body.as_bytes(), everybody), published);
    }
}

/// A delivery that GitLab could send.
fn message(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    headers(&[(ID, id.to_owned()), (TIMESTAMP, timestamp.to_owned()), (SIGNATURE, signature.to_owned())])
}

#[test]
fn published_signed_messages_are_accepted() {
    // The vector of <https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries>.
    let body = br#"{"test": 2432232314}"#;
    let (id, timestamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let secret = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    let check = |id: &str, timestamp: &str, signature: &str| {
        check(Proof::SignedMessage, &message(id, timestamp, signature), body, &secret)
    };
    assert_eq!(check(id, timestamp, signature), Ok(()));
    let among_others =
        format!("v1,{} v1a,{} {signature}", STANDARD.encode([7; 32]), STANDARD.encode([7; 64]));
    assert_eq!(check(id, timestamp, &among_others), Ok(()));
    // All three are signed.
    assert_eq!(check("msg_2", timestamp, signature), Err(VerifyError::Mismatch));
    assert_eq!(check(id, "1614265331", signature), Err(VerifyError::Mismatch));
}

#[test]
fn a_signing_token_is_the_key_in_base64_behind_its_mark() {
    // hmac.new(bytes(range(32)), b'57e2….1780000000.{"object_kind":"push"}', hashlib.sha256) of Python.
    let signed = message(
        "57e2a0bd-4dbe-4a1e-9a3d-6d0c5b2f3a11",
        "1780000000",
        "v1,U242z0BOaLHeFOtWThQ1ZO7ij68kHlLlmFlqqXSGC2k=",
    );
    let body = br#"{"object_kind":"push"}"#;
    let key: Digest = std::array::from_fn(|i| u8::try_from(i).expect("small"));
    let secret = Proof::SignedMessage.secret(key);
    assert_eq!(secret.expose_secret(), SECRET);
    let signed_at = UNIX_EPOCH + Duration::from_secs(1_780_000_000);
    assert_eq!(Proof::SignedMessage.check(&signed, body, &[secret]), Ok(Some(signed_at)));
    for no_key in ["", "whsec_", "whsec_AAEC!", &SECRET["whsec_".len()..]] {
        assert_eq!(
            check(Proof::SignedMessage, &signed, body, &[no_key]),
            Err(VerifyError::Mismatch),
            "{no_key}"
        );
    }
}

#[test]
fn a_delivery_is_believed_with_either_live_secret_and_with_no_other() {
    for proof in PROOFS {
        let headers = proven(proof, BODY, SECRET);
        assert_eq!(check(proof, &headers, BODY, &[OTHER, SECRET]), Ok(()), "{proof:?}");
        assert_eq!(check(proof, &headers, BODY, &[SECRET]), Ok(()), "{proof:?}");
        for wrong in [&[OTHER][..], &["", "x", &SECRET[1..]], &[]] {
            assert_eq!(check(proof, &headers, BODY, wrong), Err(VerifyError::Mismatch), "{proof:?}");
        }
    }
}

#[test]
fn an_empty_secret_proves_nothing() {
    for proof in PROOFS.into_iter().filter(|proof| *proof != Proof::SignedMessage) {
        assert_eq!(
            check(proof, &proven(proof, BODY, ""), BODY, &[""]),
            Err(VerifyError::Mismatch),
            "{proof:?}"
        );
    }
    let unkeyed = mac(b"", &[b"d-1.1.", BODY]);
    let signed = message("d-1", "1", &format!("v1,{}", STANDARD.encode(unkeyed)));
    assert_eq!(check(Proof::SignedMessage, &signed, BODY, &["whsec_", ""]), Err(VerifyError::Mismatch));
}

#[test]
fn what_proves_a_delivery_on_one_path_is_missing_or_malformed_on_every_other() {
    for (from, to) in PROOFS.into_iter().flat_map(|from| PROOFS.map(|to| (from, to))) {
        let result = check(to, &proven(from, BODY, SECRET), BODY, &[SECRET]);
        if from == to {
            assert_eq!(result, Ok(()));
        } else {
            assert!(matches!(result, Err(VerifyError::Missing { .. })), "{from:?} {to:?}: {result:?}");
        }
    }
}

#[test]
fn a_missing_and_a_malformed_signature_are_different_errors() {
    for proof in PROOFS {
        let Proof::Hmac { header, prefix } = proof else { continue };
        let good = proven(proof, BODY, SECRET)[header].to_str().expect("ASCII").to_owned();
        let digits = good.trim_start_matches(prefix);
        assert_eq!(check(proof, &HeaderMap::new(), BODY, &[SECRET]), Err(VerifyError::Missing { header }));
        for bad in [
            "",
            "sha256=",
            &good[..good.len() - 2],
            &format!("{good}00"),
            &format!("sha1={digits}"),
            &format!("sha256=sha256={digits}"),
            &good.replace(|c: char| c.is_ascii_digit(), "x"),
        ] {
            let result = check(proof, &headers(&[(header, bad.to_owned())]), BODY, &[SECRET]);
            let is_malformed =
                matches!(result, Err(VerifyError::Malformed { header: at, .. }) if at == header);
            assert!(is_malformed, "{bad:?}: {result:?}");
        }
    }
}

#[test]
fn each_header_of_a_signed_message_is_needed_and_read_strictly() {
    let good = proven(Proof::SignedMessage, BODY, SECRET);
    for header in [ID, TIMESTAMP, SIGNATURE] {
        let mut missing = good.clone();
        missing.remove(header);
        let result = check(Proof::SignedMessage, &missing, BODY, &[SECRET]);
        assert_eq!(result, Err(VerifyError::Missing { header }));
    }
    let signature = good[SIGNATURE].to_str().expect("ASCII");
    for (header, bad) in [
        (ID, ""),
        (ID, "d.1"),
        (TIMESTAMP, ""),
        (TIMESTAMP, "-1"),
        (TIMESTAMP, "1.5"),
        (TIMESTAMP, "+1"),
        (TIMESTAMP, "4294967296"),
        (SIGNATURE, ""),
        (SIGNATURE, "v1,"),
        (SIGNATURE, &signature[3..]),
        (SIGNATURE, &signature[..signature.len() - 4]),
        (SIGNATURE, &signature.replace("v1,", "v2,")),
    ] {
        let mut headers = good.clone();
        headers.insert(header, HeaderValue::from_str(bad).expect("a header's value"));
        let result = check(Proof::SignedMessage, &headers, BODY, &[SECRET]);
        let is_malformed = matches!(result, Err(VerifyError::Malformed { header: at, .. }) if at == header);
        assert!(is_malformed, "{header}: {bad:?}: {result:?}");
    }
}

#[test]
fn an_error_says_which_header_should_hold_what() {
    let error = check(PROOFS[0], &headers(&[("x-hub-signature-256", "sha1=0".to_owned())]), BODY, &[SECRET]);
    assert_eq!(
        error.expect_err("SHA-1").to_string(),
        "failed to verify the delivery: header x-hub-signature-256 does not hold an HMAC-SHA256 in hexadecimal digits"
    );
}

proptest! {
    #[test]
    fn any_flipped_byte_of_the_body_breaks_a_signature(
        mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1_u8..,
        proof in select(&PROOFS[..4]),
    ) {
        let headers = proven(proof, &body, SECRET);
        prop_assert_eq!(check(proof, &headers, &body, &[SECRET]), Ok(()));
        let at = at.index(body.len());
        body[at] ^= flip;
        prop_assert_eq!(check(proof, &headers, &body, &[SECRET]), Err(VerifyError::Mismatch));
    }

    #[test]
    fn any_flipped_byte_of_a_header_breaks_the_proof(
        at: prop::sample::Index, flip in 1_u8.., proof in select(&PROOFS), which: prop::sample::Index,
    ) {
        // Small and capital letters are the same hexadecimal digits.
        prop_assume!(flip != 0x20);
        let mut headers = proven(proof, BODY, SECRET);
        let name = headers.keys().nth(which.index(headers.len())).expect("a header").clone();
        let mut bytes = headers[&name].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        // Not every byte is allowed in a header.
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            headers.insert(name, value);
            prop_assert!(check(proof, &headers, BODY, &[SECRET]).is_err());
        }
    }

    #[test]
    fn no_headers_make_it_panic(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 6), proof in select(&PROOFS),
    ) {
        let names = ["x-hub-signature-256", "x-gitea-signature", "x-hub-signature", ID, TIMESTAMP, SIGNATURE];
        let header = |(name, value): (&'static str, &Vec<u8>)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
        };
        let headers: HeaderMap = names.into_iter().zip(&values).filter_map(header).collect();
        prop_assert!(check(proof, &headers, BODY, &[SECRET, ""]).is_err());
    }
}
