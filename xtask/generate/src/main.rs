//! Writes the files of the repository that are generated from the Rust types, or checks that they are up to date.
//!
//! It is a package of its own so that `xtask`, which every command starts with, builds in seconds.

mod crds;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The CRDs' YAML in crds/.
    Crds {
        /// Change nothing; fail when a file is stale.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Crds { check } => crds::run(check),
    }
}
