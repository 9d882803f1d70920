//! `cargo demo`: builds the binaries and starts the scene.

use crate::{
    dependencies,
    step::Step,
    workspace::{DEMO, Workspace},
};

pub(crate) fn run(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    dependencies::restore(workspace)?;
    let took = Step::cargo(
        "building the functions, the controller and the sandbox (minutes at first, then seconds)",
        &[&["build"], DEMO].concat(),
    )
    .run(workspace)?;
    say!(workspace, "   built in {:.0} s\n", took.as_secs_f64());
    scene(workspace, keep)
}

/// The scene itself, of binaries that are built.
pub(crate) fn scene(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    let arguments: &[&str] = if keep { &["--keep"] } else { &[] };
    Step::binary("the scene", &workspace.binary("debug", "demo"), arguments).run(workspace)?;
    Ok(())
}
