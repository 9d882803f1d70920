//! The order of jobs: `after` must name jobs of the same list, and go round in no circle.

use tidegate_model::{JobName, JobSpec};

/// An order that can't be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A job comes after one that the list doesn't have.
    #[error("job {job} comes after {missing}, which is not in the same list of jobs")]
    Unknown {
        /// The job.
        job: JobName,
        /// What it names.
        missing: JobName,
    },
    /// Jobs wait for each other.
    #[error("jobs wait for each other in a circle: {}", .0.iter().map(JobName::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle(
        /// The circle; the first name stands at its end again.
        Vec<JobName>,
    ),
}

/// What keeps the jobs of one list from being put in order: each name that the list doesn't have, and one circle.
pub fn check(jobs: &[JobSpec]) -> Vec<OrderError> {
    let unknown = jobs.iter().flat_map(|job| {
        let missing = job.after.iter().filter(|name| !jobs.iter().any(|other| &other.name == *name));
        missing.map(|missing| OrderError::Unknown { job: job.name.clone(), missing: missing.clone() })
    });
    unknown.chain(circle(jobs).map(OrderError::Cycle)).collect()
}

/// A circle of jobs, the first name at its end again.
fn circle(jobs: &[JobSpec]) -> Option<Vec<JobName>> {
    // Take away what waits for nothing that is left; what can't be taken away waits in or behind a circle.
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
            return Some(cycle(&left));
        }
        left = waiting;
    }
}

/// The jobs of these names and all that they come after, near or far, in the list's order. Names that the list doesn't have
/// are passed over.
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

/// Walks from job to job until one comes up again. Every job given waits for another one given.
fn cycle(waiting: &[&JobSpec]) -> Vec<JobName> {
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
    fn a_job_brings_all_that_it_comes_after_and_nothing_that_comes_after_it() {
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
        assert_eq!(texts(&jobs), ["jobs wait for each other in a circle: a -> b -> c -> a"]);
    }

    #[test]
    fn every_missing_predecessor_is_named_and_a_circle_beside_them() {
        assert_eq!(
            texts(&jobs(&[("a", &["nope"]), ("b", &["a", "no"]), ("c", &["d"]), ("d", &["c"])])),
            [
                "job a comes after nope, which is not in the same list of jobs",
                "job b comes after no, which is not in the same list of jobs",
                "jobs wait for each other in a circle: c -> d -> c",
            ]
        );
    }
}
