//! What the page of an `IntegrationJob` shows: the same statuses as the host, what was tested, and where the logs are. Pure.

use askama::Template;
use tidegate_model::CommitSha;
use tidegate_resources::{Condition, IntegrationJob, IntegrationJobStatus, label};

use crate::{
    job::status::SUCCEEDED,
    key::Key,
    outcome::status_content::{Desired, plan},
};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    key: Key,
    job: &'a IntegrationJob,
    subject: String,
    status: &'a IntegrationJobStatus,
    verdict: Option<&'a Condition>,
    statuses: Vec<Desired>,
    base: Option<&'a CommitSha>,
    label: &'static str,
}

/// The page of a job.
pub(super) fn html(job: &IntegrationJob) -> Result<String, askama::Error> {
    let unset = IntegrationJobStatus::default();
    let status = job.status.as_ref().unwrap_or(&unset);
    let page = Page {
        key: Key::of(job),
        job,
        subject: subject(job),
        status,
        verdict: status.conditions.iter().find(|condition| condition.type_ == SUCCEEDED),
        statuses: plan(job),
        base: status.base_sha.as_ref().or(job.spec.base.sha.as_ref()),
        label: label::INTEGRATION_JOB,
    };
    page.render()
}

/// What is tested, like `#7 into refs/heads/main`.
fn subject(job: &IntegrationJob) -> String {
    let base = &job.spec.base.reference;
    let pulls: Vec<_> = job.spec.pulls.iter().map(|pull| format!("#{}", pull.number)).collect();
    if pulls.is_empty() { base.to_string() } else { format!("{} into {base}", pulls.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::job::fixture::{BASE, HEAD, pull_request, running};

    fn html(job: &IntegrationJob) -> String {
        super::html(job).expect("a page")
    }

    #[test]
    fn a_page_shows_what_was_reported_and_what_was_tested() {
        let status = json!({
            "phase": "Failed", "baseSha": BASE, "pipelineRun": "shop-0123456789abcdef-1",
            "conditions": [{
                "type": "Succeeded", "status": "False", "reason": "JobFailed", "message": "unit failed",
                "lastTransitionTime": "2026-01-01T00:00:09Z",
            }],
            "jobs": [{
                "name": "unit", "phase": "Failed", "message": "exit code 3",
                "startedAt": "2026-01-01T00:00:01Z", "completedAt": "2026-01-01T00:00:06Z",
            }],
        });
        let page = html(&pull_request(&json!([{"name": "unit"}]), &status));
        for part in [
            "<title>Failed: acme/shop, #7 into refs/heads/main</title>",
            "<strong>Failed</strong>: unit failed",
            r#"<td>tidegate/shop/unit</td><td class="failure">failure</td><td>failed in 5s: exit code 3</td>"#,
            &format!("<dt>Head of #7</dt><dd>{HEAD} by dev</dd>"),
            &format!("<dt>refs/heads/main</dt><dd>{BASE}</dd>"),
            "kubectl --namespace ci logs --selector tidegate.dev/integration-job=shop-0123456789abcdef-1 ",
        ] {
            assert!(page.contains(part), "no {part:?} in {page}");
        }
        assert!(!page.contains("http-equiv"), "a run that has ended needs no other look");
    }

    #[test]
    fn a_page_of_an_active_run_refreshes_itself() {
        let page = html(&running(&json!([{"name": "unit"}])));
        assert!(page.contains(r#"<meta http-equiv="refresh" content="5">"#), "{page}");
        let waiting = html(&pull_request(&json!([{"name": "unit"}]), &json!({})));
        assert!(!waiting.contains("kubectl"), "nothing ran yet: {waiting}");
    }

    #[test]
    fn text_of_strangers_is_escaped_on_a_page() {
        let skipped = json!([{"name": "lint", "reason": "<script>alert(1)</script>"}]);
        let mut job = pull_request(&json!([]), &json!({}));
        job.spec.skipped = serde_json::from_value(skipped).expect("skipped jobs");
        let page = html(&job);
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("skipped: &#60;script&#62;"), "{page}");
    }
}
