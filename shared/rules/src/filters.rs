//! Which jobs of a config run for a branch or tag, and what the others' statuses say.

use globset::{GlobBuilder, GlobMatcher};
use tidegate_model::{GitRef, JobName, JobSpec, When};

/// The jobs that run, and those that don't with the reason that the host shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The jobs that run, in the config's order. None comes after a job that doesn't run.
    pub run: Vec<JobSpec>,
    /// The others, each with why.
    pub skipped: Vec<(JobName, String)>,
}

/// A pattern that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job {job}: pattern {pattern:?} in when is no glob: {problem}")]
pub struct PatternError {
    /// The job.
    pub job: JobName,
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Selects the jobs that run for a ref; for a pull request that is the branch it merges into.
///
/// A job that comes after one that is left out comes after that one's predecessors instead, as if it had succeeded: its
/// status says "skipped" with success, too.
pub fn select(jobs: &[JobSpec], reference: &GitRef) -> Result<Selection, PatternError> {
    let mut selection = Selection::default();
    for job in jobs {
        match Filter::new(job)?.left_out(reference) {
            None => selection.run.push(job.clone()),
            Some(reason) => selection.skipped.push((job.name.clone(), reason)),
        }
    }
    let names: Vec<JobName> = selection.run.iter().map(|job| job.name.clone()).collect();
    selection.run = only(jobs, &names);
    Ok(selection)
}

/// The jobs of these names, in the list's order. None comes after a job that isn't among them.
pub fn only(jobs: &[JobSpec], names: &[JobName]) -> Vec<JobSpec> {
    let mut chosen: Vec<JobSpec> = jobs.iter().filter(|job| names.contains(&job.name)).cloned().collect();
    for job in &mut chosen {
        job.after = predecessors(job, jobs, names);
    }
    chosen
}

/// The chosen jobs that `job` comes after, looking through those that are left out.
fn predecessors(job: &JobSpec, jobs: &[JobSpec], chosen: &[JobName]) -> Vec<JobName> {
    let mut runs = Vec::new();
    let mut seen: Vec<&JobName> = Vec::new();
    let mut next: Vec<&JobName> = job.after.iter().collect();
    while let Some(name) = next.pop() {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        if chosen.contains(name) {
            runs.push(name.clone());
        } else {
            next.extend(jobs.iter().filter(|other| &other.name == name).flat_map(|other| &other.after));
        }
    }
    runs.sort();
    runs
}

/// Every pattern of a job that is no glob, behind the field that holds it (like `when.tags[0]`), so that a config with
/// one is refused before an event uses it.
pub fn check(job: &JobSpec) -> impl Iterator<Item = (String, PatternError)> {
    let When { branches, skip_branches, tags, skip_tags } = &job.when;
    let lists =
        [("branches", branches), ("skipBranches", skip_branches), ("tags", tags), ("skipTags", skip_tags)];
    lists.into_iter().flat_map(move |(list, patterns)| {
        let compiled = patterns.iter().map(|pattern| compile(job, pattern)).enumerate();
        compiled.filter_map(move |(index, compiled)| Some((format!("when.{list}[{index}]"), compiled.err()?)))
    })
}

/// A job's filters, compiled once.
#[derive(Debug, Clone)]
pub struct Filter {
    branches: Vec<GlobMatcher>,
    skip_branches: Vec<GlobMatcher>,
    tags: Vec<GlobMatcher>,
    skip_tags: Vec<GlobMatcher>,
}

impl Filter {
    /// Compiles a job's filters.
    pub fn new(job: &JobSpec) -> Result<Self, PatternError> {
        let compile = |patterns: &[String]| {
            patterns.iter().map(|pattern| compile(job, pattern)).collect::<Result<_, _>>()
        };
        let When { branches, skip_branches, tags, skip_tags } = &job.when;
        Ok(Self {
            branches: compile(branches)?,
            skip_branches: compile(skip_branches)?,
            tags: compile(tags)?,
            skip_tags: compile(skip_tags)?,
        })
    }

    /// Why the job is left out for this ref; `None` when it runs.
    pub fn left_out(&self, reference: &GitRef) -> Option<String> {
        let (kind, only, skip, others) = match reference {
            GitRef::Branch(_) => ("branch", &self.branches, &self.skip_branches, &self.tags),
            GitRef::Tag(_) => ("tag", &self.tags, &self.skip_tags, &self.branches),
        };
        let name = reference.name().as_str();
        let matches = |patterns: &[GlobMatcher]| patterns.iter().any(|pattern| pattern.is_match(name));
        if matches(skip) {
            Some(format!("{kind} {name} is excluded"))
        } else if !only.is_empty() && !matches(only) {
            Some(format!("{kind} {name} is not among its {kind} patterns"))
        } else if only.is_empty() && !others.is_empty() {
            let other = if kind == "branch" { "tags" } else { "branches" };
            Some(format!("it runs for {other} only"))
        } else {
            None
        }
    }
}

fn compile(job: &JobSpec, pattern: &str) -> Result<GlobMatcher, PatternError> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| PatternError {
        job: job.name.clone(),
        pattern: pattern.to_owned(),
        problem: error.kind().to_string(),
    })
}

#[cfg(test)]
mod tests;
