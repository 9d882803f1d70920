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

/// Checks that the jobs of one list can be put in order.
pub fn check(jobs: &[JobSpec]) -> Result<(), OrderError> {
    for job in jobs {
        if let Some(missing) = job.after.iter().find(|name| !jobs.iter().any(|other| &other.name == *name)) {
            return Err(OrderError::Unknown { job: job.name.clone(), missing: missing.clone() });
        }
    }
    // Take away what waits for nothing that is left; what can't be taken away waits in or behind a circle.
    let mut left: Vec<&JobSpec> = jobs.iter().collect();
    loop {
        let waiting: Vec<&JobSpec> = left
            .iter()
            .copied()
            .filter(|job| left.iter().any(|other| job.after.contains(&other.name)))
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if waiting.len() == left.len() {
            return Err(OrderError::Cycle(cycle(&left)));
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
        assert_eq!(check(&jobs(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[])])), Ok(()));
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
        let error =
            check(&jobs(&[("start", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("free", &[])]));
        let text = error.expect_err("a cycle").to_string();
        assert_eq!(text, "jobs wait for each other in a circle: a -> b -> c -> a");
    }

    #[test]
    fn a_missing_predecessor_is_named() {
        let error = check(&jobs(&[("a", &["nope"])])).expect_err("nope is missing");
        assert_eq!(error.to_string(), "job a comes after nope, which is not in the same list of jobs");
    }
}
