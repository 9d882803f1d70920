//! What a million webhooks cost, computed from measured figures and AWS's price list.

use std::fmt::Write as _;

/// USD, us-east-1, on demand, without the free tier, as AWS's public pricing pages gave them in 2025 and 2026. Look
/// again before you rely on them: nothing here asks AWS.
struct Prices {
    /// API Gateway, an HTTP API's request of at most 512 KB.
    api_request: f64,
    /// Lambda, an invocation.
    invocation: f64,
    /// Lambda on arm64, one GB for one second.
    gigabyte_second: f64,
    /// SQS, a request to a standard queue of at most 64 KB.
    queue_request: f64,
    /// `CloudWatch` Logs, one GB taken in.
    log_gigabyte: f64,
}

const PRICES: Prices = Prices {
    api_request: 1.00 / 1e6,
    invocation: 0.20 / 1e6,
    gigabyte_second: 0.000_013_333_4,
    queue_request: 0.40 / 1e6,
    log_gigabyte: 0.50,
};

/// The functions' memory, in MB: the defaults of the Terraform module and the SAM template.
const WEBHOOK_MB: f64 = 256.0;
const PLUGIN_MB: f64 = 128.0;
/// A function gets processor time in proportion to its memory: one whole core at this size
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const WHOLE_CORE_MB: f64 = 1769.0;
/// Assumed: how long a function waits for SQS to accept a message, in ms.
const WAIT_MS: f64 = 10.0;
const MILLION: f64 = 1e6;

/// What was measured.
pub(super) struct Measured {
    /// Processor time for a delivery in the webhook function, in ms.
    pub webhook_cpu_ms: f64,
    /// The same for an event in the most expensive plugin.
    pub plugin_cpu_ms: f64,
    /// What the functions log for a delivery, in bytes.
    pub log_bytes: f64,
}

/// The table for a million deliveries that each start one run: one route, one command, no two events in a batch. It is
/// the worst case; most deliveries of a host concern nobody and end in the webhook function.
pub(super) fn table(measured: &Measured) -> String {
    let lines = [
        ("API Gateway: 1 request".to_owned(), PRICES.api_request * MILLION),
        ("Lambda: 2 invocations".to_owned(), 2.0 * PRICES.invocation * MILLION),
        compute("webhook", measured.webhook_cpu_ms, WEBHOOK_MB),
        compute("plugin", measured.plugin_cpu_ms, PLUGIN_MB),
        // Event and command: each is sent, received and deleted.
        ("SQS: 6 requests".to_owned(), 6.0 * PRICES.queue_request * MILLION),
        (
            format!("CloudWatch Logs: {:.1} KB", measured.log_bytes / 1e3),
            measured.log_bytes * MILLION / 1e9 * PRICES.log_gigabyte,
        ),
    ];
    let mut text = String::from("USD     for a million webhooks that each start a run\n");
    let mut all = 0.0;
    for (what, price) in &lines {
        all += price;
        // A String takes everything.
        let _ = writeln!(text, "{price:>5.2}   {what}");
    }
    let _ = writeln!(text, "{all:>5.2}   in all");
    text
}

/// What a function's time costs, for a million invocations.
fn compute(name: &str, cpu_ms: f64, memory_mb: f64) -> (String, f64) {
    // Duration is billed by the whole millisecond.
    let duration_ms = (cpu_ms * WHOLE_CORE_MB / memory_mb + WAIT_MS).ceil();
    let price = duration_ms / 1000.0 * memory_mb / 1024.0 * PRICES.gigabyte_second * MILLION;
    (format!("Lambda: {name}, {duration_ms:.0} ms of {memory_mb} MB"), price)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_what_is_listed() {
        // 256/1769 of a core: 1 ms of processor time is 6.9 ms, and with the wait 17 ms are billed. With half the memory
        // 24 ms, which cost less.
        let measured = Measured { webhook_cpu_ms: 1.0, plugin_cpu_ms: 1.0, log_bytes: 1000.0 };
        let expected = "\
USD     for a million webhooks that each start a run
 1.00   API Gateway: 1 request
 0.40   Lambda: 2 invocations
 0.06   Lambda: webhook, 17 ms of 256 MB
 0.04   Lambda: plugin, 24 ms of 128 MB
 2.40   SQS: 6 requests
 0.50   CloudWatch Logs: 1.0 KB
 4.40   in all
";
        assert_eq!(table(&measured), expected);
    }
}
