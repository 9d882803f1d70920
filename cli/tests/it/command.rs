//! Running the real binary.

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// What a run came to.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `tidegate` with these arguments and this on stdin.
pub fn tidegate(arguments: &[&str], stdin: &[u8]) -> Outcome {
    tidegate_in(Path::new("."), arguments, stdin)
}

/// The same, in this folder.
pub fn tidegate_in(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Outcome {
    run(Command::new(env!("CARGO_BIN_EXE_tidegate")).current_dir(folder).args(arguments), stdin)
}

/// The same with these variables beside ours.
pub fn tidegate_with(environment: &BTreeMap<String, String>, arguments: &[&str]) -> Outcome {
    run(Command::new(env!("CARGO_BIN_EXE_tidegate")).envs(environment).args(arguments), b"")
}

fn run(command: &mut Command, stdin: &[u8]) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A run that refuses its arguments doesn't read: its pipe may be closed.
    drop(child.stdin.take().expect("a pipe").write_all(stdin));
    let output = child.wait_with_output().expect("the binary ends");
    Outcome {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
