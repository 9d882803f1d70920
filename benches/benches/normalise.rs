//! Verifying and normalising a pull request of GitHub, beside the least that any receiver has to do: HMAC-SHA256 over the
//! body and one parse of the JSON. The goal is at most twice its time.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use sha2::Sha256;
use tidegate_hosts::{
    intake::{Outcome, verify},
    signature::signed_headers,
};
use tidegate_model::Host;

const BODY: &[u8] = include_bytes!("../../tests/payloads/github/pull_request.opened-in-organization.json");

fn normalise(criterion: &mut Criterion) {
    let secrets = [SecretString::from("0123456789abcdef0123456789abcdef")];
    let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958".parse().expect("delivery id");
    let headers = signed_headers(Host::Github, "pull_request", &id, BODY, &secrets[0]).expect("headers");

    let reference = || {
        let mac = Hmac::<Sha256>::new_from_slice(secrets[0].expose_secret().as_bytes()).expect("any key");
        black_box(mac.chain_update(black_box(BODY)).finalize());
        serde_json::from_slice::<IgnoredAny>(black_box(BODY)).expect("JSON");
    };
    let ours = || {
        let verified = verify(Host::Github, &headers, black_box(BODY), &secrets).expect("signed");
        let delivery = verified.normalise().expect("readable");
        assert!(matches!(delivery.outcome, Outcome::Event(_)));
        black_box(delivery);
    };

    let mut group = criterion.benchmark_group(format!("GitHub pull request of {} bytes", BODY.len()));
    let (mut reference_times, mut our_times) = (Vec::new(), Vec::new());
    group.bench_function("reference", |b| {
        b.iter_custom(|n| timed(n, reference, &mut reference_times));
    });
    group.bench_function("verify + normalise", |b| {
        b.iter_custom(|n| timed(n, ours, &mut our_times));
    });
    group.finish();

    // A filter on the command line may have left one out.
    if let (Some(ours), Some(reference)) = (median(&mut our_times), median(&mut reference_times)) {
        let ratio = ours.as_secs_f64() / reference.as_secs_f64();
        #[expect(clippy::print_stdout, reason = "the ratio is what the bench is for")]
        {
            println!("verify+normalise / reference = {ratio:.2}");
        }
    }
}

/// Runs it so many times, and keeps the time of one run.
fn timed(iterations: u64, mut run: impl FnMut(), times: &mut Vec<Duration>) -> Duration {
    let start = Instant::now();
    for _ in 0..iterations {
        run();
    }
    let elapsed = start.elapsed();
    times.push(elapsed.div_f64(f64::from(u32::try_from(iterations).unwrap_or(u32::MAX))));
    elapsed
}

fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

criterion_group!(benches, normalise);
criterion_main!(benches);
