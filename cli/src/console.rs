//! Standard input, output and error.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result, ensure};

/// Writes one line to stderr. A write error is dropped: there is no other place to report it.
pub(crate) fn eprint_line(text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    drop(writeln!(std::io::stderr(), "tidegate: {}", words.join(" ")));
}

/// Writes a result to stdout.
pub(crate) fn print_line(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("failed to write to stdout")
}

/// Reads a delivery's body from stdin, up to the size limit of hosts.
pub(crate) fn body_from_stdin() -> Result<Vec<u8>> {
    const MAX_BODY: u64 = 25 * 1024 * 1024;
    let mut body = Vec::new();
    std::io::stdin()
        .take(MAX_BODY + 1)
        .read_to_end(&mut body)
        .context("failed to read the body from stdin")?;
    ensure!(body.len() as u64 <= MAX_BODY, "failed to read the body from stdin: it is longer than 25 MiB");
    Ok(body)
}
