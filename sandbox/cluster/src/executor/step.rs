//! From a step of Tekton to a local process: variables, working directory, environment, script.

use std::{
    fs,
    mem::take,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tidegate_resources::{EnvVar, SecretKeySelector, Step};

use super::{expansion, process::Process};
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
        namespace: &str,
        pipeline_run: &str,
        task_run: &str,
    ) -> anyhow::Result<Self> {
        for folder in ["workspace", "home", "scripts"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
        }
        fs::create_dir_all(&logs).with_context(|| format!("failed to create {}", logs.display()))?;
        let context = [
            ("pipelineRun.name", pipeline_run),
            ("pipelineRun.namespace", namespace),
            ("taskRun.name", task_run),
            ("taskRun.namespace", namespace),
        ];
        let variables = context.map(|(name, value)| (format!("$(context.{name})"), value.to_owned()));
        Ok(Self { root: root.to_owned(), logs, variables: variables.into() })
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

    /// The step with Tekton's variables replaced.
    ///
    /// Source: `pkg/container` and `pkg/reconciler/taskrun/resources/apply.go` of Tekton 1.6
    pub(crate) fn substitute(&self, index: usize, step: &Step) -> Step {
        let mut step = step.clone();
        let results = step.results.iter().map(|result| {
            let path = self.results(index).join(&result.name).display().to_string();
            (format!("$(step.results.{}.path)", result.name), path)
        });
        let own: Vec<(String, String)> = results.chain(self.variables.iter().cloned()).collect();
        let texts = step.script.iter_mut().chain(&mut step.working_dir).chain(&mut step.command);
        let env = step.env.iter_mut().filter_map(|variable| variable.value.as_mut());
        for text in texts.chain(&mut step.args).chain(env).chain([&mut step.image]) {
            *text = own.iter().fold(take(text), |text, (name, value)| text.replace(name, value));
        }
        step
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
        let expand = |text: &String| expansion::expand(text, environment);
        let mut argv = match &step.script {
            Some(script) => self.script(index, script)?,
            None => step.command.iter().map(expand).collect(),
        };
        argv.extend(step.args.iter().map(expand));
        let own = [
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.root.join("home").display().to_string()),
        ];
        Ok(Process {
            argv,
            environment: own.into_iter().chain(environment.iter().cloned()).collect(),
            directory: self.directory(step.working_dir.as_deref().unwrap_or("/workspace"))?,
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
    let value = |variable: &EnvVar, before: &[(String, String)]| -> Result<String, String> {
        let source = variable.value_from.as_ref();
        let Some(SecretKeySelector { name, key }) = source.and_then(|source| source.secret_key_ref.as_ref())
        else {
            return Ok(expansion::expand(variable.value.as_deref().unwrap_or_default(), before));
        };
        let secret = state.get(&Key::new(Resource::Secret, namespace, name.as_str()));
        let secret = secret.ok_or_else(|| format!("secret {name:?} not found"))?;
        let encoded = secret["data"].get(key).map(|encoded| object::text(encoded, ""));
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let bytes = bytes.ok_or_else(|| format!("couldn't find key {key} in Secret {namespace}/{name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let mut environment = Vec::new();
    for variable in &step.env {
        environment.push((variable.name.clone(), value(variable, &environment)?));
    }
    Ok(environment)
}
