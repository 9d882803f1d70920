//! From a step of Tekton to a local process: variables, working directory, environment, script.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tidegate_resources::{EmbeddedTask, Step};

use super::process::Process;
use crate::api::{
    object,
    served::{Key, Resource},
    store::Store,
};

/// The directories of one task, and the values of Tekton's variables in it.
pub(crate) struct Room {
    root: PathBuf,
    logs: PathBuf,
    variables: Vec<(String, String)>,
}

impl Room {
    /// Makes the directories.
    pub(crate) fn create(
        root: PathBuf,
        logs: PathBuf,
        pipeline_run: &str,
        task_run: &str,
        task: &EmbeddedTask,
    ) -> anyhow::Result<Self> {
        for folder in ["workspace", "results", "home", "scripts"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
        }
        fs::create_dir_all(&logs).with_context(|| format!("failed to create {}", logs.display()))?;
        let mut variables = vec![
            ("$(context.pipelineRun.name)".to_owned(), pipeline_run.to_owned()),
            ("$(context.taskRun.name)".to_owned(), task_run.to_owned()),
        ];
        for result in &task.results {
            let path = root.join("results").join(&result.name);
            variables.push((
                format!("$(results.{}.path)", result.name),
                path.display().to_string(),
            ));
        }
        Ok(Self {
            root,
            logs,
            variables,
        })
    }

    /// What a task wrote as this result, if it did.
    pub(crate) fn result(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.root.join("results").join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The step as a process. `environment` is what the step declares.
    pub(crate) fn process(
        &self,
        index: usize,
        step: &Step,
        environment: &[(String, String)],
    ) -> anyhow::Result<Process> {
        let mut argv: Vec<String> = match &step.script {
            Some(script) => self.script(index, script)?,
            None => step.command.iter().map(|word| self.substitute(word)).collect(),
        };
        argv.extend(step.args.iter().map(|word| self.substitute(word)));
        let mut variables = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.root.join("home").display().to_string()),
        ];
        variables.extend(
            environment
                .iter()
                .map(|(name, value)| (name.clone(), self.substitute(value))),
        );
        Ok(Process {
            argv,
            environment: variables,
            directory: self.directory(step.working_dir.as_deref())?,
            log: self.logs.join(format!("{}.log", step_name(index, step))),
        })
    }

    fn substitute(&self, text: &str) -> String {
        self.variables
            .iter()
            .fold(text.to_owned(), |text, (variable, value)| {
                text.replace(variable, value)
            })
    }

    /// Writes the script and returns how it is run: by its `#!` line, else by sh, as Tekton does.
    fn script(&self, index: usize, script: &str) -> anyhow::Result<Vec<String>> {
        let script = self.substitute(script);
        let (interpreter, text) = match script.strip_prefix("#!") {
            Some(rest) => (rest.lines().next().unwrap_or_default().trim().to_owned(), script),
            None => ("/bin/sh".to_owned(), format!("#!/bin/sh\nset -e\n{script}")),
        };
        let path = self.root.join("scripts").join(format!("script-{index}"));
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        // Run by its interpreter, not by itself: a file that was just written may still be open in a child that another
        // thread is about to start, and can't be executed then.
        let (program, argument) = match interpreter.split_once(char::is_whitespace) {
            Some((program, argument)) => (program.to_owned(), Some(argument.trim().to_owned())),
            None => (interpreter, None),
        };
        Ok([Some(program), argument, Some(path.display().to_string())]
            .into_iter()
            .flatten()
            .collect())
    }

    /// The private directory that stands for one below /workspace.
    fn directory(&self, wanted: Option<&str>) -> anyhow::Result<PathBuf> {
        let wanted = self.substitute(wanted.unwrap_or("/workspace"));
        let path = Path::new(&wanted);
        let below = if path.is_absolute() {
            let Ok(below) = path.strip_prefix("/workspace") else {
                bail!("workingDir {wanted} is not below /workspace, and the sandbox has no other");
            };
            below
        } else {
            path
        };
        let directory = self.root.join("workspace").join(below);
        fs::create_dir_all(&directory)
            .with_context(|| format!("failed to create {}", directory.display()))?;
        Ok(directory)
    }
}

/// The step's name; Tekton counts those without.
pub(crate) fn step_name(index: usize, step: &Step) -> String {
    if step.name.is_empty() {
        format!("unnamed-{index}")
    } else {
        step.name.clone()
    }
}

/// The declared variables with their values. `None` when a Secret or its key is missing: the container can't be created.
pub(crate) fn environment(store: &Store, namespace: &str, step: &Step) -> Option<Vec<(String, String)>> {
    let state = store.read();
    step.env
        .iter()
        .map(|variable| {
            let reference = variable
                .value_from
                .as_ref()
                .and_then(|source| source.secret_key_ref.as_ref());
            let value = match reference {
                None => variable.value.clone().unwrap_or_default(),
                Some(reference) => {
                    let secret =
                        state.get(&Key::new(Resource::Secret, namespace, reference.name.as_str()))?;
                    let encoded = secret["data"].get(&reference.key)?;
                    let bytes = STANDARD.decode(object::text(encoded, "")).ok()?;
                    String::from_utf8_lossy(&bytes).into_owned()
                }
            };
            Some((variable.name.clone(), value))
        })
        .collect()
}
