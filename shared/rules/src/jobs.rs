//! What is wrong with the jobs of a config beyond what its schema can say. The controller's conditions and
//! `tidegate lint` ask the same.

use std::fmt;

use tidegate_model::{JobName, JobSpec};

use crate::{
    filters::{self, PatternError},
    graph::{self, OrderError},
    tekton_variables::{self, TektonVariable},
};

/// One of the lists under `spec.jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Jobs of pull requests.
    PreSubmit,
    /// Jobs of pushes.
    PostSubmit,
}

impl List {
    /// The field's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreSubmit => "preSubmit",
            Self::PostSubmit => "postSubmit",
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("spec.jobs.{list}: {cause}")]
pub struct Problem {
    /// The list.
    pub list: List,
    /// The field below the list, like `[2].after[0]`.
    pub field: String,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Jobs can't be put in order.
    #[error(transparent)]
    Order(OrderError),
    /// A filter is no glob.
    #[error(transparent)]
    Pattern(PatternError),
    /// Tekton would change what a job runs.
    #[error("job {}: {_0}", _0.job)]
    TektonVariable(TektonVariable),
}

impl Problem {
    /// The path of the field, from the object's root.
    pub fn path(&self) -> String {
        format!("spec.jobs.{}{}", self.list, self.field)
    }

    /// One word, as a condition's reason.
    pub const fn reason(&self) -> &'static str {
        match &self.cause {
            Cause::Order(OrderError::Cycle(_)) => "DependencyCycle",
            Cause::Order(OrderError::Unknown { .. }) => "UnknownDependency",
            Cause::Pattern(_) => "InvalidPattern",
            Cause::TektonVariable(_) => "TektonVariable",
        }
    }

    /// Whether no run of the config can even be planned. Otherwise a run starts, and its status shows the problem.
    pub const fn prevents_planning(&self) -> bool {
        match &self.cause {
            Cause::Order(_) | Cause::Pattern(_) => true,
            Cause::TektonVariable(_) => false,
        }
    }
}

/// Everything that is wrong with one list of jobs.
pub fn check(list: List, jobs: &[JobSpec]) -> Vec<Problem> {
    let problem = |field, cause| Problem { list, field, cause };
    let mut problems: Vec<Problem> = graph::check(jobs)
        .into_iter()
        .map(|order| problem(place(jobs, &order), Cause::Order(order)))
        .collect();
    for (index, job) in jobs.iter().enumerate() {
        let at = |field: &str| format!("[{index}].{field}");
        let patterns = filters::check(job).map(|(field, error)| problem(at(&field), Cause::Pattern(error)));
        problems.extend(patterns);
        let texts = tekton_variables::check(job);
        problems.extend(texts.map(|text| problem(at(&text.field), Cause::TektonVariable(text))));
    }
    problems
}

/// The field that breaks the order: of a circle, where its first job names the second.
fn place(jobs: &[JobSpec], order: &OrderError) -> String {
    let (job, after) = match order {
        OrderError::Unknown { job, missing } => (Some(job), Some(missing)),
        OrderError::Cycle(names) => (names.first(), names.get(1)),
    };
    let names =
        |entry: &JobSpec| job == Some(&entry.name) && after.is_some_and(|name| entry.after.contains(name));
    let Some(index) = jobs.iter().position(names) else {
        return String::new();
    };
    let is_after = |name: &JobName| Some(name) == after;
    let entry = jobs[index].after.iter().position(is_after).unwrap_or_default();
    format!("[{index}].after[{entry}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_has_its_field_and_its_reason() {
        let jobs: Vec<JobSpec> = serde_json::from_value(json!([
            {"name": "a", "image": "i", "script": "$(params.x)", "after": ["b"]},
            {"name": "b", "image": "i", "command": ["c"], "after": ["c", "a"], "when": {"tags": ["v*"], "skipTags": ["x", "[x"]}},
            {"name": "d", "image": "node:$(params.v)", "command": ["c", "$(tasks.x.status)"], "args": ["$(date)"],
             "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(context.taskRun.name)"}]},
        ]))
        .expect("jobs");
        let found: Vec<_> = check(List::PostSubmit, &jobs)
            .iter()
            .map(|problem| (problem.path(), problem.reason(), problem.prevents_planning()))
            .collect();
        let expected = [
            ("spec.jobs.postSubmit[1].after[0]", "UnknownDependency", true),
            ("spec.jobs.postSubmit[0].after[0]", "DependencyCycle", true),
            ("spec.jobs.postSubmit[0].script", "TektonVariable", false),
            ("spec.jobs.postSubmit[1].when.skipTags[1]", "InvalidPattern", true),
            ("spec.jobs.postSubmit[2].image", "TektonVariable", false),
            ("spec.jobs.postSubmit[2].command[1]", "TektonVariable", false),
            ("spec.jobs.postSubmit[2].env[1].value", "TektonVariable", false),
        ]
        .map(|(path, reason, planning)| (path.to_owned(), reason, planning));
        assert_eq!(found, expected);
    }
}
