//! The jobs that a trigger lacks: by the ledger, no run has them. So a repeated event runs nothing again, and a new job of the
//! config runs alone.

use std::collections::BTreeSet;

use tidegate_model::JobName;
use tidegate_resources::pull_request_part_trigger_digest;
use tidegate_rules::filters;

use super::action::Run;
use crate::ledger::Book;

/// The jobs of a pull request's run that no run has; `None` if the ledger doesn't decide.
pub fn lacking(run: &Run, book: &Book) -> Option<Vec<JobName>> {
    let pull = run.spec.pulls.first()?;
    if run.spec.awaits_approval || run.spec.jobs.is_empty() {
        return None;
    }
    let lacks: BTreeSet<JobName> = book.lacks(&pull.sha, run.spec.base.reference.name())?;
    let names = run.spec.jobs.iter().map(|job| job.name.clone());
    Some(names.filter(|name| lacks.contains(name)).collect())
}

/// The run of some jobs only. Their `after` keeps only jobs of this run.
pub fn part(run: &Run, jobs: &[JobName]) -> Run {
    let mut part = run.clone();
    part.digest = pull_request_part_trigger_digest(&run.digest, jobs);
    part.spec.jobs = filters::only(&run.spec.jobs, jobs);
    part.spec.skipped = Vec::new();
    part
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::job::fixture;

    #[test]
    fn a_part_of_a_run_holds_only_the_lacking_jobs_and_has_its_own_name() {
        let jobs = json!([{"name": "build"}, {"name": "unit", "after": ["build"]}, {"name": "lint"}]);
        let spec = fixture::pull_request(&jobs, &json!({"phase": "Queued"})).spec;
        let run = Run::once(spec, "d".to_owned());
        let names = |names: &[&str]| names.iter().map(|n| n.parse().expect("a name")).collect::<Vec<_>>();
        let part = part(&run, &names(&["unit", "lint"]));
        let of_part: Vec<_> = part.spec.jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(of_part, ["unit", "lint"]);
        assert!(part.spec.jobs.iter().all(|job| job.after.is_empty()), "nobody waits for what ran before");
        assert_ne!(part.digest, run.digest);
        assert_ne!(part.digest, super::part(&run, &names(&["unit"])).digest);
    }
}
