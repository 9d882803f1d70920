//! `cargo demo`: builds the binaries and starts the scene.

use crate::{
    step::Step,
    workspace::{BINARIES, Workspace},
};

pub(crate) fn run(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    let build = ["build", "--bins", "-p", "tidegate-scenarios"];
    let took = Step::cargo(
        "building the functions, the controller and the sandbox (minutes at first, then seconds)",
        &[&build[..], BINARIES].concat(),
    )
    .run(workspace)?;
    println!("   built in {:.0} s\n", took.as_secs_f64());
    let arguments: &[&str] = if keep { &["--keep"] } else { &[] };
    Step::binary("the scene", &workspace.binary("debug", "demo"), arguments).run(workspace)?;
    Ok(())
}
