//! From a step of Tekton to a local process: variables, working directory, environment, script.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tidegate_resources::{EnvVar, SecretKeySelector, Step};

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
        root: &Path,
        logs: PathBuf,
        pipeline_run: &str,
        task_run: &str,
    ) -> anyhow::Result<Self> {
        for folder in ["workspace", "home", "scripts"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
        }
        fs::create_dir_all(&logs).with_context(|| format!("failed to create {}", logs.display()))?;
        let variables = vec![
            ("$(context.pipelineRun.name)".to_owned(), pipeline_run.to_owned()),
            ("$(context.taskRun.name)".to_owned(), task_run.to_owned()),
        ];
        Ok(Self { root: root.to_owned(), logs, variables })
    }

    /// What a step wrote as this result, if it did.
    pub(crate) fn result(&self, index: usize, name: &str) -> Option<String> {
        let bytes = fs::read(self.results(index).join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Where a step writes its results. In a pod, no other step can write there.
    fn results(&self, index: usize) -> PathBuf {
        self.root.join("run").join(index.to_string()).join("status/results")
    }

    /// The step as a process. `environment` is what the step declares.
    pub(crate) fn process(
        &self,
        index: usize,
        step: &Step,
        environment: &[(String, String)],
    ) -> anyhow::Result<Process> {
        let results = self.results(index);
        fs::create_dir_all(&results).with_context(|| format!("failed to create {}", results.display()))?;
        let own = step.results.iter().map(|result| {
            let path = results.join(&result.name).display().to_string();
            (format!("$(step.results.{}.path)", result.name), path)
        });
        let own: Vec<(String, String)> = own.chain(self.variables.iter().cloned()).collect();
        let substitute =
            |text: &String| own.iter().fold(text.clone(), |text, (name, value)| text.replace(name, value));
        let mut argv = match &step.script {
            Some(script) => self.script(index, &substitute(script))?,
            None => step.command.iter().map(substitute).collect(),
        };
        argv.extend(step.args.iter().map(substitute));
        let mut variables = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.root.join("home").display().to_string()),
        ];
        let declared = environment.iter();
        variables.extend(declared.map(|(name, value)| (name.clone(), substitute(value))));
        Ok(Process {
            argv,
            environment: variables,
            directory: self
                .directory(&step.working_dir.as_ref().map_or("/workspace".to_owned(), substitute))?,
            log: self.logs.join(format!("{}.log", step_name(index, step))),
        })
    }

    /// Writes the script and returns how it is run: by its `#!` line, else by sh, as Tekton does.
    fn script(&self, index: usize, script: &str) -> anyhow::Result<Vec<String>> {
        let (interpreter, text) = match script.strip_prefix("#!") {
            Some(rest) => (rest.lines().next().unwrap_or_default().trim().to_owned(), script.to_owned()),
            None => ("/bin/sh".to_owned(), format!("#!/bin/sh\nset -e\n{script}")),
        };
        let path = self.root.join("scripts").join(format!("script-{index}"));
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        // Run by its interpreter, not by itself: a file that was just written may still be open in a child that another
        // thread is about to start, and can't be executed then.
        let words = interpreter.splitn(2, char::is_whitespace);
        let mut argv: Vec<String> = words.map(|word| word.trim().to_owned()).collect();
        argv.push(path.display().to_string());
        Ok(argv)
    }

    /// The private directory that stands for one below /workspace.
    fn directory(&self, wanted: &str) -> anyhow::Result<PathBuf> {
        let below = Path::new(wanted).strip_prefix("/workspace").with_context(|| {
            format!("workingDir {wanted} is not below /workspace, and the sandbox has no other")
        })?;
        let directory = self.root.join("workspace").join(below);
        fs::create_dir_all(&directory)
            .with_context(|| format!("failed to create {}", directory.display()))?;
        Ok(directory)
    }
}

/// The step's name; Tekton counts those without.
pub(crate) fn step_name(index: usize, step: &Step) -> String {
    if step.name.is_empty() { format!("unnamed-{index}") } else { step.name.clone() }
}

/// The declared variables with their values. An error, in the kubelet's words, when a Secret or its key is missing: the
/// container can't be created.
pub(crate) fn environment(
    store: &Store,
    namespace: &str,
    step: &Step,
) -> Result<Vec<(String, String)>, String> {
    let state = store.read();
    let value = |variable: &EnvVar| -> Result<String, String> {
        let source = variable.value_from.as_ref();
        let Some(SecretKeySelector { name, key }) = source.and_then(|source| source.secret_key_ref.as_ref())
        else {
            return Ok(variable.value.clone().unwrap_or_default());
        };
        let secret = state.get(&Key::new(Resource::Secret, namespace, name.as_str()));
        let secret = secret.ok_or_else(|| format!("secret {name:?} not found"))?;
        let encoded = secret["data"].get(key).map(|encoded| object::text(encoded, ""));
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let bytes = bytes.ok_or_else(|| format!("couldn't find key {key} in Secret {namespace}/{name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    step.env.iter().map(|variable| Ok((variable.name.clone(), value(variable)?))).collect()
}
