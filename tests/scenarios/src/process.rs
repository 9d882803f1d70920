//! What a process takes of the machine.

use anyhow::{Context as _, Result};

/// The memory that it holds, in MiB.
pub fn resident_mib(pid: u32) -> Result<f64> {
    mib(pid, "VmRSS:")
}

/// The part of it that no file backs: heap and stacks, in MiB.
pub fn anonymous_mib(pid: u32) -> Result<f64> {
    mib(pid, "RssAnon:")
}

/// The most memory that it has held, in MiB.
pub fn peak_mib(pid: u32) -> Result<f64> {
    mib(pid, "VmHWM:")
}

/// A line of /proc/PID/status.
fn mib(pid: u32, name: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// The processor time that it has used, in seconds (utime and stime of /proc/PID/stat, in hundredths).
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name is in brackets, and may contain anything.
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next().context("too short")?.parse::<f64>().context("not a number");
    Ok((ticks()? + ticks()?) / 100.0)
}
