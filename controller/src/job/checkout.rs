//! The first step of a task: it checks out the code that the run tests.

use tidegate_model::{CommitSha, SecretKeyRef};
use tidegate_resources::{
    EmptyDirSource, IntegrationJobSpec, PipelineRun, Pull, ResultSpec, SecretSource, Step, Volume,
    VolumeMount,
};

use super::{
    dereference::{Fork, Source},
    literal,
};

/// The step's name in its task.
pub const STEP: &str = "checkout";

/// The directory of the code for the later steps.
pub const WORKING_DIR: &str = "/workspace/source";

/// What the checkout writes for the git of the steps that follow: that the code's directory is to be trusted, although it is
/// another user's. A job may set git's variables for its own ends, so it replaces the system's file, which it
/// includes.
pub const SYSTEM_CONFIG: &str = "/workspace/source/.git/tidegate.gitconfig";

const SCRIPT: &str = include_str!("checkout.sh");
const BASE_SHA: &str = "TIDEGATE_BASE_SHA";
const GIT_USER: &str = "TIDEGATE_GIT_USER";
const SOURCE_VOLUME: &str = "source";
const CREDENTIAL_VOLUME: &str = "clone-credential";
const CREDENTIAL_DIR: &str = "/tidegate/clone-credential";
const CREDENTIAL_FILE: &str = "token";

/// Any user but root. What it writes belongs to the pod's group, so the steps that follow may run as whoever they like.
const USER: u32 = 65_532;

/// How many MiB the whole history may have, packed, so that the clone is whole (ADR 36).
const HISTORY_MIB: u32 = 128;

/// The results that the step writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutResult {
    /// How it ended: see [`Outcome`].
    Outcome,
    /// Why, for people.
    Detail,
    /// The commit that was checked out.
    Commit,
    /// The tree of that commit.
    Tree,
}

impl CheckoutResult {
    const ALL: [Self; 4] = [Self::Outcome, Self::Detail, Self::Commit, Self::Tree];

    /// The result's name in the step.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Detail => "detail",
            Self::Commit => "commit",
            Self::Tree => "tree",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Outcome => "TIDEGATE_RESULT_OUTCOME",
            Self::Detail => "TIDEGATE_RESULT_DETAIL",
            Self::Commit => "TIDEGATE_RESULT_COMMIT",
            Self::Tree => "TIDEGATE_RESULT_TREE",
        }
    }
}

/// Why there is nothing to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The pull requests can't be merged: the code's fault.
    Conflict,
    /// The commit is gone from its branch, and from the host.
    Superseded,
    /// The host doesn't let the repository be read.
    Unreadable,
    /// Anything else.
    Error,
}

impl Outcome {
    /// Reads the result `outcome` of a step that failed; anything unknown is an error of the step itself.
    pub fn of_failure(text: Option<&str>) -> Self {
        match text {
            Some("conflict") => Self::Conflict,
            Some("superseded") => Self::Superseded,
            Some("unreadable") => Self::Unreadable,
            _ => Self::Error,
        }
    }
}

/// The step, for the base at this commit.
pub fn step(spec: &IntegrationJobSpec, base: &CommitSha, source: &Source, image: &str) -> Step {
    let head = |pull: &Pull| {
        let (number, sha) = (pull.number, &pull.sha);
        match (source.pull_request_refs.get(&number), source.forks.get(&number)) {
            (Some(reference), _) => format!("{number} {sha} {reference}"),
            (None, Some(Fork { clone_url, branch })) => {
                format!("{number} {sha} refs/heads/{branch} {clone_url}")
            }
            (None, None) => format!("{number} {sha}"),
        }
    };
    let heads: Vec<String> = spec.pulls.iter().map(head).collect();
    let mut env = literal::variables(vec![
        ("TIDEGATE_CLONE_URL", source.clone_url.clone()),
        ("TIDEGATE_BASE_REF", spec.base.reference.to_string()),
        (BASE_SHA, base.to_string()),
        ("TIDEGATE_HEADS", heads.join("\n")),
        ("TIDEGATE_HISTORY_MIB", HISTORY_MIB.to_string()),
    ]);
    env.extend(CheckoutResult::ALL.map(|result| {
        literal::expanded(result.variable(), format!("$(step.results.{}.path)", result.as_str()))
    }));
    let mut volume_mounts = vec![source_mount()];
    if let Some(credential) = &source.clone_credential {
        env.push(literal::expanded(GIT_USER, credential.git_user.to_owned()));
        let file = format!("{CREDENTIAL_DIR}/{CREDENTIAL_FILE}");
        env.push(literal::expanded("TIDEGATE_CREDENTIAL_FILE", file));
        volume_mounts.push(VolumeMount {
            name: CREDENTIAL_VOLUME.to_owned(),
            mount_path: CREDENTIAL_DIR.to_owned(),
            read_only: true,
        });
    }
    Step {
        name: STEP.to_owned(),
        image: image.to_owned(),
        script: Some(SCRIPT.to_owned()),
        working_dir: Some(WORKING_DIR.to_owned()),
        env,
        volume_mounts,
        results: CheckoutResult::ALL.map(result_spec).into(),
        // What the "restricted" Pod Security Standard asks for.
        security_context: Some(serde_json::json!({
            "runAsNonRoot": true,
            "runAsUser": USER,
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        })),
        ..Step::default()
    }
}

/// The base that a run's checkouts build, if it has one.
pub fn base_of(run: &PipelineRun) -> Option<CommitSha> {
    let steps = run.spec.pipeline_spec.tasks.iter().flat_map(|task| &task.task_spec.steps);
    let mut env = steps.filter(|step| step.name == STEP).flat_map(|step| &step.env);
    env.find(|variable| variable.name == BASE_SHA)?.value.as_ref()?.parse().ok()
}

/// The volume that the code lies on. A directory that Tekton creates for a step belongs to root, and it is the working
/// directory of all containers of the pod from the start, so that it can't be replaced. Everybody can write to a volume.
pub fn source_volume() -> Volume {
    Volume { name: SOURCE_VOLUME.to_owned(), secret: None, empty_dir: Some(EmptyDirSource {}) }
}

/// What the pod needs so that the code can be written by any of its users: Kubernetes puts them all into this group, and makes
/// the volume the group's.
pub fn pod_security_context() -> serde_json::Value {
    serde_json::json!({"fsGroup": USER})
}

/// Where a step finds the code.
pub fn source_mount() -> VolumeMount {
    VolumeMount { name: SOURCE_VOLUME.to_owned(), mount_path: WORKING_DIR.to_owned(), read_only: false }
}

/// The volume of the clone credential, which this step alone mounts.
pub fn credential_volume(secret: &SecretKeyRef) -> Volume {
    let item = [("key", secret.key.as_str()), ("path", CREDENTIAL_FILE)];
    Volume {
        name: CREDENTIAL_VOLUME.to_owned(),
        secret: Some(SecretSource {
            secret_name: secret.name.clone(),
            items: vec![item.map(|(name, value)| (name.to_owned(), value.to_owned())).into()],
            // The file is root's, and the step is not root.
            default_mode: Some(0o444),
        }),
        empty_dir: None,
    }
}

/// A result of the step and not of the task: the directory of a task's results can be written by every step, that of a
/// step's results by this step alone (ADR 29).
fn result_spec(result: CheckoutResult) -> ResultSpec {
    ResultSpec { name: result.as_str().to_owned(), type_: "string".to_owned() }
}

#[cfg(test)]
mod tests;
