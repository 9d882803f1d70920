//! Text of users that goes into a Tekton object.
//!
//! Tekton replaces its own variables, like `$(params.x)` or `$(context.taskRun.name)`, wherever they stand, has no way to
//! escape them, and refuses a run that names an unknown one. Everything else that looks alike, such as a shell's
//! `$(date)`, it leaves alone. So text is never rewritten here: what Tekton would touch is found, and refused by name.
//!
//! `command`, `args` and `env` are then read by Kubernetes as in any container: `$(NAME)` stands for the variable NAME if
//! there is one, and `$$` for `$`. A `script` reaches its interpreter as it was written.
//!
//! Source: <https://tekton.dev/docs/pipelines/variables/>

use tidegate_model::{JobName, JobSpec};

/// The first parts of Tekton's variables.
const ROOTS: [&str; 12] = [
    "params",
    "results",
    "context",
    "workspaces",
    "step",
    "steps",
    "tasks",
    "finally",
    "inputs",
    "outputs",
    "credentials",
    "artifacts",
];

/// A text of a job that Tekton would change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} contains {variable}, which Tekton would replace; write it another way")]
pub struct TektonVariable {
    /// The job.
    pub job: JobName,
    /// The field of the job: `image`, `script`, `command[0]`, `args[1]`, `env[2].value`.
    pub field: String,
    /// What Tekton would replace, cut off after 100 characters.
    pub variable: String,
}

/// Every text of a job that Tekton would change, by its first variable.
pub fn check(job: &JobSpec) -> impl Iterator<Item = TektonVariable> {
    let image = [("image".to_owned(), &job.image)].into_iter();
    let script = job.script.iter().map(|text| ("script".to_owned(), text));
    let command = job.command.iter().enumerate().map(|(index, text)| (format!("command[{index}]"), text));
    let args = job.args.iter().enumerate().map(|(index, text)| (format!("args[{index}]"), text));
    let env = job.env.iter().enumerate();
    let env = env.filter_map(|(index, var)| Some((format!("env[{index}].value"), var.value.as_ref()?)));
    image.chain(script).chain(command).chain(args).chain(env).filter_map(|(field, text)| {
        let variable = tekton_variable(text)?.chars().take(100).collect();
        Some(TektonVariable { job: job.name.clone(), field, variable })
    })
}

/// The first of Tekton's variables in a text, with its `$(` and `)`.
fn tekton_variable(text: &str) -> Option<&str> {
    text.match_indices("$(").find_map(|(start, opening)| {
        let inside = &text[start + opening.len()..];
        let end = inside.find(')')?;
        is_variable(&inside[..end]).then(|| &text[start..=start + opening.len() + end])
    })
}

fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-[]*\"'/".contains(c);
    name.find(['.', '[']).is_some_and(|root| ROOTS.contains(&&name[..root])) && name.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_run_is_left_alone() {
        for text in [
            "echo $(date)",
            "x=$(cat params.txt)",
            "$(HOME)",
            "$(params)",
            "$(context.sh --all)",
            "$(",
            "$(params.x",
            "a $$(b) $c ${params.x}",
        ] {
            assert_eq!(tekton_variable(text), None, "{text}");
        }
    }

    #[test]
    fn what_tekton_would_replace_or_refuse_is_found() {
        for (text, variable) in [
            ("echo $(params.greeting)!", "$(params.greeting)"),
            ("$(date) $(context.taskRun.name)", "$(context.taskRun.name)"),
            ("$(params[\"a.b\"])", "$(params[\"a.b\"])"),
            ("$$(tasks.a.results.b[*])", "$(tasks.a.results.b[*])"),
            ("$(ls $(results.x.path))", "$(results.x.path)"),
        ] {
            assert_eq!(tekton_variable(text), Some(variable), "{text}");
        }
    }
}
