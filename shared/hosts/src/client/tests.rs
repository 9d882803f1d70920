//! The clients against a server with canned answers.

mod bitbucket;
mod canned;
mod capabilities;
mod comments;
mod gitea;
mod gitea_accounts;
mod github;
mod gitlab;
mod gitlab_comments;
mod gitlab_hooks;
mod gitlab_lenient;
mod gitlab_statuses;
mod lenient;
mod limits;
mod lists;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tidegate_model::{
    AccountKind, CommentId, CommentKind, CommentPointer, CommitSha, CommitStatus, GitRef, Host, Login,
    Permission, PullRequestNumber, RepositoryPath, StatusState,
};

use self::canned::Canned;
use super::*;
use crate::hook_label::HookLabel;

/// The hosts whose clients share `v3`. The others have tests of their own.
const V3: [Host; 2] = [Host::Github, Host::Gitea];

fn settings() -> ClientSettings {
    ClientSettings { timeout: Duration::from_secs(10), egress: EgressPolicy::new(["127.0.0.1".to_owned()]) }
}

fn client(host: Host, url: &str) -> HostClient {
    let credential = Credential::Token("t0ken".into());
    HostClient::new(host, url, credential, settings()).expect("a client")
}

/// A server, its client, and the path of the repository in its API.
async fn start(host: Host) -> (Canned, HostClient, &'static str) {
    let server = Canned::start().await;
    let (client, root) = match host {
        Host::Github => (client(host, &format!("{}/api/v3", server.url)), "/api/v3/repos/acme/shop"),
        Host::Gitlab => (client(host, &format!("{}/git/api/v4", server.url)), gitlab::ROOT),
        Host::Gitea => (client(host, &server.url), "/api/v1/repos/acme/shop"),
        Host::Bitbucket => (client(host, &format!("{}/2.0", server.url)), "/2.0/repositories/acme/shop"),
    };
    (server, client, root)
}

/// The comment of an id in the conversation of pull request 7.
async fn read_comment(client: &HostClient, id: CommentId) -> Result<Option<CommentFacts>, HostError> {
    let pointer = CommentPointer::Comment(id);
    let found = client.read_comments(&repository(), PullRequestNumber(7), &pointer).await?;
    assert!(found.len() <= 1, "{found:?}");
    Ok(found.into_iter().next())
}

fn repository() -> RepositoryPath {
    "acme/shop".parse().expect("repository")
}

fn login(text: &str) -> Login {
    text.parse().expect("login")
}

fn sha(digit: &str) -> CommitSha {
    digit.repeat(40).parse().expect("SHA")
}

fn reference(text: &str) -> GitRef {
    text.parse().expect("ref")
}

fn spec() -> HookSpec {
    HookSpec {
        url: "https://ci.example/hooks/x".to_owned(),
        label: HookLabel::Github,
        secret: SecretString::from("s3cret"),
    }
}

fn status() -> CommitStatus {
    CommitStatus {
        sha: sha("a"),
        context: "tidegate/shop/test".to_owned(),
        state: StatusState::Failure,
        description: "exit code 1".to_owned(),
        target_url: None,
        branch: None,
    }
}

#[tokio::test]
async fn repositories_are_cloned_from_the_site_of_the_api() {
    for (host, api, expected) in [
        (Host::Github, "https://api.github.com", "https://github.com/acme/shop.git"),
        (Host::Github, "https://api.acme.ghe.com/", "https://acme.ghe.com/acme/shop.git"),
        (Host::Github, "https://git.example/api/v3", "https://git.example/acme/shop.git"),
        (Host::Github, "https://git.example:8443/api/v3/", "https://git.example:8443/acme/shop.git"),
        (Host::Gitlab, "https://gitlab.com/api/v4", "https://gitlab.com/acme/shop.git"),
        (Host::Gitlab, "https://git.example:8443/git/api/v4/", "https://git.example:8443/git/acme/shop.git"),
        (Host::Gitea, "https://gitea.com", "https://gitea.com/acme/shop.git"),
        (Host::Gitea, "https://git.example/gitea/", "https://git.example/gitea/acme/shop.git"),
        (Host::Bitbucket, "https://api.bitbucket.org/2.0", "https://bitbucket.org/acme/shop.git"),
        (Host::Bitbucket, "https://git.example:8443/2.0/", "https://git.example:8443/acme/shop.git"),
    ] {
        assert_eq!(client(host, api).clone_url(&repository()).as_str(), expected);
    }
}

#[tokio::test]
async fn a_client_of_a_forbidden_address_is_not_made() {
    for (url, reason) in [
        ("http://gitea.com", "the URL is not https"),
        ("https://10.0.0.1", "10.0.0.1 is not a public address"),
        ("https://me:pw@gitea.com", "the URL holds a user name or password"),
        ("gitea.com", "the URL is invalid"),
    ] {
        for host in Host::ALL {
            let error = HostClient::new(host, url, Credential::Anonymous, settings()).expect_err("forbidden");
            let HostError::Egress(egress) = error else { unreachable!("{error:?}") };
            assert_eq!(egress.to_string(), reason, "{url}");
        }
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_not_called() {
    for host in [Host::Github, Host::Gitlab, Host::Gitea] {
        let error =
            client(host, "https://localhost:1").list_hooks(&repository()).await.expect_err("forbidden");
        assert!(matches!(error, HostError::Egress(EgressError::NotPublic { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn no_credential_is_shown() {
    for host in Host::ALL {
        assert!(!format!("{:?}", client(host, "https://git.example")).contains("t0ken"));
    }
    assert!(!format!("{:?}", Credential::Token("t0ken".into())).contains("t0ken"));
    assert!(!format!("{:?}", spec()).contains("s3cret"));
}

#[tokio::test]
async fn a_token_sets_statuses_where_the_host_shows_that_its_owner_may_push() {
    for (host, root) in [(Host::Github, ""), (Host::Gitea, "/api/v1")] {
        let server = Canned::start().await;
        let client = client(host, &server.url);
        for (permissions, may) in [
            (json!({"admin": false, "push": true, "pull": true}), true),
            (json!({"admin": false, "push": false, "pull": true}), false),
            (Value::Null, false),
        ] {
            let shown = json!({"full_name": "acme/shop", "permissions": permissions});
            server.on(&format!("GET {root}/repos/acme/shop"), axum::Json(shown));
            assert_eq!(client.check_status_right(&repository()).await.expect("an answer"), may, "{host}");
        }
    }
}
