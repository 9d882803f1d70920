//! Verifying and normalising a pull request of GitHub, beside the least that any receiver has to do: HMAC-SHA256 over the
//! body and one parse of the JSON. The goal is at most twice its time.

use std::{
    hint::black_box,
    time::{Duration, Instant, SystemTime},
};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use sha2::Sha256;
use tidegate_hosts::{
    hook::HookLabel,
    intake::signed_headers,
    intake::{Outcome, verify},
};

const BODY: &[u8] = include_bytes!("../../tests/payloads/github/pull_request.opened-in-organization.json");
/// Both are run in turns, so that a machine whose speed drifts favours neither.
const ROUNDS: usize = 500;
const RUNS_A_ROUND: u32 = 20;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    let secrets = [SecretString::from("0123456789abcdef0123456789abcdef")];
    let now = SystemTime::now();
    let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958".parse().expect("delivery id");
    let headers =
        signed_headers(HookLabel::Github, "pull_request", &id, BODY, &secrets[0], now).expect("headers");

    let reference = || {
        let mac = Hmac::<Sha256>::new_from_slice(secrets[0].expose_secret().as_bytes()).expect("any key");
        black_box(mac.chain_update(black_box(BODY)).finalize());
        serde_json::from_slice::<IgnoredAny>(black_box(BODY)).expect("JSON");
    };
    let ours = || {
        let verified = verify(HookLabel::Github, &headers, black_box(BODY), &secrets, now).expect("signed");
        let delivery = verified.normalise().expect("readable");
        assert!(matches!(delivery.outcome, Outcome::Events(_)));
        black_box(delivery);
    };

    let (mut reference_times, mut our_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reference_times.push(timed(reference));
        our_times.push(timed(ours));
    }
    let (reference, ours) = (median(&mut reference_times), median(&mut our_times));
    println!("GitHub pull request of {} bytes, median of {ROUNDS} rounds", BODY.len());
    println!("reference            {reference:>10.1?}");
    println!("verify + normalise   {ours:>10.1?}");
    println!("verify + normalise / reference = {:.2}", ours.as_secs_f64() / reference.as_secs_f64());
}

/// The time of one run.
fn timed(mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..RUNS_A_ROUND {
        run();
    }
    start.elapsed() / RUNS_A_ROUND
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
