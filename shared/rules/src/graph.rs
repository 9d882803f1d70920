//! The order of jobs: `after` must name jobs of the same list, without a dependency cycle.

use tidegate_model::{JobName, JobSpec};

/// Why the jobs of one list can't be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("job {job}: unknown job `{missing}` in `after`")]
    Unknown { job: JobName, missing: JobName },
    #[error("dependency cycle: {}", .0.iter().map(JobName::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle(
        /// The first name is repeated at the end.
        Vec<JobName>,
    ),
}

/// The errors in the order of one list: each unknown name, and one dependency cycle.
pub fn check(jobs: &[JobSpec]) -> Vec<OrderError> {
    let unknown = jobs.iter().flat_map(|job| {
        let missing = job.after.iter().filter(|name| !jobs.iter().any(|other| &other.name == *name));
        missing.map(|missing| OrderError::Unknown { job: job.name.clone(), missing: missing.clone() })
    });
    unknown.chain(find_cycle(jobs).map(OrderError::Cycle)).collect()
}

/// A dependency cycle, with the first name repeated at the end.
fn find_cycle(jobs: &[JobSpec]) -> Option<Vec<JobName>> {
    // Remove the jobs that wait for no remaining job. Those that can't be removed are in a cycle, or wait for one.
    let mut left: Vec<&JobSpec> = jobs.iter().collect();
    loop {
        let waiting: Vec<&JobSpec> = left
            .iter()
            .copied()
            .filter(|job| left.iter().any(|other| job.after.contains(&other.name)))
            .collect();
        if waiting.is_empty() {
            return None;
        }
        if waiting.len() == left.len() {
            return Some(cycle_in(&left));
        }
        left = waiting;
    }
}

/// The jobs of these names and all their direct and indirect predecessors, in the list's order. Unknown names are ignored.
pub fn with_ancestors(jobs: &[JobSpec], names: &[JobName]) -> Vec<JobSpec> {
    let mut wanted: Vec<&JobName> = Vec::new();
    let mut next: Vec<&JobName> = names.iter().collect();
    while let Some(name) = next.pop() {
        if !wanted.contains(&name) {
            wanted.push(name);
            next.extend(jobs.iter().filter(|job| &job.name == name).flat_map(|job| &job.after));
        }
    }
    jobs.iter().filter(|job| wanted.contains(&&job.name)).cloned().collect()
}

/// Walks from job to job until one repeats. Each of these jobs must wait for another one of them.
fn cycle_in(waiting: &[&JobSpec]) -> Vec<JobName> {
    let mut path: Vec<&JobSpec> = waiting.first().copied().into_iter().collect();
    while let Some(last) = path.last() {
        let Some(next) = waiting.iter().copied().find(|job| last.after.contains(&job.name)) else {
            break;
        };
        if let Some(start) = path.iter().position(|job| job.name == next.name) {
            return path[start..].iter().chain([&next]).map(|job| job.name.clone()).collect();
        }
        path.push(next);
    }
    path.iter().map(|job| job.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(edges: &[(&str, &[&str])]) -> Vec<JobSpec> {
        let name = |text: &&str| text.parse::<JobName>().expect("a job name");
        edges
            .iter()
            .map(|(job, after)| JobSpec {
                name: name(job),
                image: "busybox".to_owned(),
                command: vec!["true".to_owned()],
                args: Vec::new(),
                script: None,
                env: Vec::new(),
                after: after.iter().map(name).collect(),
                when: tidegate_model::When::default(),
                timeout: None,
                optional: false,
                skip_checkout: false,
            })
            .collect()
    }

    #[test]
    fn a_diamond_can_be_ordered() {
        assert_eq!(check(&jobs(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[])])), []);
    }

    fn texts(jobs: &[JobSpec]) -> Vec<String> {
        check(jobs).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_job_brings_its_predecessors_and_no_successors() {
        let all =
            jobs(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[]), ("x", &["d"]), ("y", &[])]);
        let names = |wanted: &[&str]| -> Vec<String> {
            let wanted: Vec<JobName> = wanted.iter().map(|name| name.parse().expect("a name")).collect();
            with_ancestors(&all, &wanted).iter().map(|job| job.name.to_string()).collect()
        };
        assert_eq!(names(&["b"]), ["b", "a"]);
        assert_eq!(names(&["d", "nope"]), ["d", "b", "c", "a"]);
        assert_eq!(names(&["y", "a"]), ["a", "y"]);
        assert_eq!(names(&[]), [""; 0]);
    }

    #[test]
    fn a_cycle_is_named_without_what_leads_to_it() {
        let jobs = jobs(&[("start", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("free", &[])]);
        assert_eq!(texts(&jobs), ["dependency cycle: a -> b -> c -> a"]);
    }

    #[test]
    fn every_unknown_predecessor_and_one_cycle_are_named() {
        assert_eq!(
            texts(&jobs(&[("a", &["nope"]), ("b", &["a", "no"]), ("c", &["d"]), ("d", &["c"])])),
            [
                "job a: unknown job `nope` in `after`",
                "job b: unknown job `no` in `after`",
                "dependency cycle: c -> d -> c",
            ]
        );
    }
}
