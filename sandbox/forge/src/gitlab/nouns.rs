//! GitLab's JSON of people, projects, merge requests, notes and so on: the fields that a client of a CI may want.

use serde_json::{Value, json};
use tidegate_model::{AccountKind, CommitSha};

use crate::{
    Comment, CommitComment, Hook, PullRequest, PullRequestState, Status, User,
    git::Commit,
    gitlab::{is_disabled, signs},
    state::{Repository, Review, State},
};

/// <https://docs.gitlab.com/api/users/>
pub(crate) fn user(state: &State, user: &User) -> Value {
    let login = &user.login;
    json!({
        "id": user.id, "username": login, "public_email": null, "name": login, "state": "active", "locked": false,
        "avatar_url": null, "web_url": format!("{}/{login}", state.url),
    })
}

/// Whether it is a bot is shown to whoever looks at one user.
pub(crate) fn profile(state: &State, who: &User) -> Value {
    let mut shown = user(state, who);
    let is_bot = state.account(&who.login).is_ok_and(|account| account.kind == AccountKind::Bot);
    shown["bot"] = is_bot.into();
    shown
}

fn web(state: &State, repo: &Repository) -> String {
    format!("{}/{}", state.url, repo.path)
}

/// <https://docs.gitlab.com/api/projects/>
pub(crate) fn project(state: &State, repo: &Repository) -> Value {
    let path = &repo.path;
    let full = path.as_str().rsplit_once('/').map_or(path.owner(), |(namespace, _)| namespace);
    let is_group = full.contains('/')
        || state.account(&repo.owner.login).is_ok_and(|account| account.kind == AccountKind::Organisation);
    json!({
        "id": repo.id, "name": path.name(), "path": path.name(), "path_with_namespace": path,
        "default_branch": "main", "visibility": if repo.private { "private" } else { "public" },
        "web_url": web(state, repo), "http_url_to_repo": format!("{}.git", web(state, repo)),
        "namespace": {
            "id": repo.owner.id, "name": full, "path": full.rsplit('/').next(), "full_path": full,
            "kind": if is_group { "group" } else { "user" },
        },
        "forked_from_project": repo.parent.as_ref().and_then(|parent| {
            Some(json!({"id": state.repository(parent.as_str()).ok()?.id, "path_with_namespace": parent}))
        }),
        "created_at": repo.created_at,
    })
}

/// A project inside a payload. Source: `hook_attrs` in `app/models/project.rb`.
pub(crate) fn hook_project(state: &State, repo: &Repository) -> Value {
    let git = format!("{}.git", web(state, repo));
    json!({
        "id": repo.id, "name": repo.path.name(), "description": "", "web_url": web(state, repo), "avatar_url": null,
        "git_ssh_url": git, "git_http_url": git, "namespace": repo.owner.login,
        "visibility_level": if repo.private { 0 } else { 20 }, "path_with_namespace": repo.path,
        "default_branch": "main", "ci_config_path": null, "homepage": web(state, repo), "url": git, "ssh_url": git,
        "http_url": git,
    })
}

const fn word(state: &PullRequestState) -> &'static str {
    match state {
        PullRequestState::Open => "opened",
        PullRequestState::Closed { .. } => "closed",
        PullRequestState::Merged { .. } => "merged",
    }
}

fn ids(state: &State, repo: &Repository, pull: &PullRequest) -> (Option<u64>, u64) {
    (state.repository(pull.head_repository.as_str()).ok().map(|source| source.id), repo.id)
}

/// <https://docs.gitlab.com/api/merge_requests/>. One of a list has no pipeline.
pub(crate) fn merge_request(state: &State, repo: &Repository, pull: &PullRequest, is_one: bool) -> Value {
    let (source, target) = ids(state, repo, pull);
    let mut shown = json!({
        "id": pull.number + 1000, "iid": pull.number, "project_id": target, "title": pull.title, "description": "",
        "state": word(&pull.state), "created_at": pull.created_at, "updated_at": pull.updated_at,
        "target_branch": pull.base, "source_branch": pull.head, "source_project_id": source,
        "target_project_id": target, "author": user(state, &pull.author), "labels": [], "draft": false,
        "work_in_progress": false, "merge_status": if pull.mergeable { "can_be_merged" } else { "cannot_be_merged" },
        "detailed_merge_status": if pull.mergeable { "mergeable" } else { "conflict" }, "sha": pull.head_sha,
        "has_conflicts": !pull.mergeable, "web_url": format!("{}/-/merge_requests/{}", web(state, repo), pull.number),
        "merge_commit_sha": match &pull.state {
            PullRequestState::Merged { sha, .. } => Some(sha),
            PullRequestState::Open | PullRequestState::Closed { .. } => None,
        },
    });
    if is_one {
        shown["diff_refs"] =
            json!({"base_sha": pull.merge_base, "head_sha": pull.head_sha, "start_sha": pull.base_sha});
        let head = state.repository(pull.head_repository.as_str()).ok();
        shown["head_pipeline"] = head
            .and_then(|head| {
                let id = pipeline_of(head, &pull.head_sha)?;
                Some(json!({"id": id, "sha": pull.head_sha, "project_id": head.id, "ref": pull.head, "source": "external"}))
            })
            .into();
    }
    shown
}

/// The pipeline that a commit's statuses are in: the first of them made it.
pub(crate) fn pipeline_of(repo: &Repository, sha: &CommitSha) -> Option<u64> {
    repo.statuses_of(sha).last().map(|status| status.id)
}

/// A merge request inside a payload. Source: `lib/gitlab/hook_data/merge_request_builder.rb`.
pub(crate) fn hook_merge_request(state: &State, repo: &Repository, pull: &PullRequest) -> Value {
    let (source, target) = ids(state, repo, pull);
    let head = state.repository(pull.head_repository.as_str()).ok();
    json!({
        "id": pull.number + 1000, "iid": pull.number, "target_branch": pull.base, "source_branch": pull.head,
        "source_project_id": source, "target_project_id": target, "author_id": pull.author.id, "title": pull.title,
        "description": "", "created_at": time(&pull.created_at), "updated_at": time(&pull.updated_at),
        "state": word(&pull.state), "merge_status": "unchecked", "detailed_merge_status": "unchecked", "draft": false,
        "work_in_progress": false, "labels": [], "url": format!("{}/-/merge_requests/{}", web(state, repo), pull.number),
        "source": head.map(|head| hook_project(state, head)), "target": hook_project(state, repo),
        "last_commit": {"id": pull.head_sha, "message": pull.title, "title": pull.title},
    })
}

/// A time as payloads write it.
pub(crate) fn time(at: &str) -> String {
    at.replace('T', " ").replace('Z', " UTC")
}

/// <https://docs.gitlab.com/api/notes/>
pub(crate) fn note(state: &State, comment: &Comment) -> Value {
    let Comment { id, author, body, created_at, updated_at, .. } = comment;
    json!({
        "id": id, "type": null, "body": body, "author": user(state, author), "created_at": created_at,
        "updated_at": updated_at, "system": false, "noteable_type": "MergeRequest", "noteable_iid": comment.number,
    })
}

/// What people write with a review is a note like any other.
pub(crate) fn review_note(state: &State, review: &Review) -> Value {
    let Review { id, author, body, submitted_at, .. } = review;
    json!({
        "id": id, "type": null, "body": body, "author": user(state, author), "created_at": submitted_at,
        "updated_at": submitted_at, "system": false, "noteable_type": "MergeRequest", "noteable_iid": review.number,
    })
}

pub(crate) fn commit_note(state: &State, comment: &CommitComment) -> Value {
    let CommitComment { id, author, body, created_at, sha } = comment;
    json!({
        "id": id, "type": null, "body": body, "author": user(state, author), "created_at": created_at,
        "updated_at": created_at, "system": false, "noteable_type": "Commit", "commit_id": sha,
    })
}

/// <https://docs.gitlab.com/api/commits/>
pub(crate) fn commit(commit: &Commit) -> Value {
    let Commit { sha, parents, author, committer, message, .. } = commit;
    json!({
        "id": sha, "short_id": &sha.as_str()[..8], "parent_ids": parents, "message": message,
        "title": message.lines().next(), "author_name": author.name, "author_email": author.email,
        "authored_date": author.date, "committer_name": committer.name, "committer_email": committer.email,
        "committed_date": committer.date, "created_at": committer.date,
    })
}

/// <https://docs.gitlab.com/api/commits/#commit-status>
pub(crate) fn status(state: &State, repo: &Repository, status: &Status) -> Value {
    json!({
        "id": status.id, "sha": status.sha, "ref": status.branch, "status": status.state, "name": status.context,
        "target_url": status.target_url, "description": status.description, "created_at": status.created_at,
        "allow_failure": false, "author": user(state, &status.creator), "pipeline_id": pipeline_of(repo, &status.sha),
    })
}

/// <https://docs.gitlab.com/api/project_webhooks/>. A secret is never shown.
pub(crate) fn hook(state: &State, repo: &Repository, hook: &Hook) -> Value {
    let has = |event: &str| hook.events.iter().any(|known| known == event);
    let is_disabled = !hook.active || is_disabled(repo, hook);
    let mut shown = json!({
        "id": hook.id, "url": hook.url, "project_id": repo.id, "created_at": hook.created_at, "push_events": has("push_events"),
        "tag_push_events": has("tag_push_events"), "merge_requests_events": has("merge_requests_events"),
        "note_events": has("note_events"), "enable_ssl_verification": hook.verify_tls, "custom_webhook_template": "",
        "custom_headers": [], "push_events_branch_filter": "", "branch_filter_strategy": "all_branches",
        "alert_status": if is_disabled { "temporarily_disabled" } else { "executable" }, "disabled_until": null,
    });
    if state.has_signing_tokens {
        shown["signing_token_present"] = signs(hook).into();
    }
    shown
}
