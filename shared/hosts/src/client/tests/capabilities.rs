//! What the hosts offer, and that the clients keep to it.

use super::*;

#[tokio::test]
async fn a_host_without_comments_on_commits_is_not_asked_for_them() {
    for host in V3 {
        let (server, client, _) = start(host).await;
        let (repository, commit) = (repository(), sha("a"));
        if client.capabilities().comments_on_commits {
            continue;
        }
        let read = client.read_commit_comment(&repository, &commit, CommentId(5)).await.map(drop);
        let listed = client.list_commit_comments(&repository, &commit).await.map(drop);
        let created = client.create_commit_comment(&repository, &commit, "hello").await;
        for answer in [read, listed, created] {
            assert!(matches!(answer, Err(HostError::Unsupported)), "{host}: {answer:?}");
        }
        assert!(server.lines().is_empty(), "{host}");
    }
}

#[test]
fn github_and_gitea_differ_in_what_rules_and_replies_read() {
    let (github, gitea) = (capabilities(Host::Github), capabilities(Host::Gitea));
    assert!(github.comments_on_commits && !gitea.comments_on_commits);
    assert!(!github.permissions_need_admin && gitea.permissions_need_admin);
    for host in [Host::Github, Host::Gitlab, Host::Gitea] {
        let offered = capabilities(host);
        assert!(offered.reacts_to(CommentKind::Comment) && !offered.reacts_to(CommentKind::Review), "{host}");
    }
}

#[tokio::test]
async fn the_head_of_a_pull_request_has_a_ref_in_the_base_repository() {
    for (host, expected) in [
        (Host::Github, "refs/pull/7/head"),
        (Host::Gitlab, "refs/merge-requests/7/head"),
        (Host::Gitea, "refs/pull/7/head"),
    ] {
        let reference = crate::pull_request_ref(host, PullRequestNumber(7));
        assert_eq!(reference.as_deref(), Some(expected), "{host}");
    }
}

#[test]
fn the_site_of_an_api_is_where_people_go() {
    for (host, api_url, expected) in [
        (Host::Github, "https://api.acme.ghe.com", Some("https://acme.ghe.com/")),
        (Host::Github, "https://git.example/api/v3", Some("https://git.example/")),
        (Host::Gitlab, "https://gitlab.com/api/v4", Some("https://gitlab.com/")),
        (Host::Gitlab, "https://git.example/git/api/v4/", Some("https://git.example/git")),
        (Host::Gitea, "https://api.gitea.com", Some("https://api.gitea.com/")),
        (Host::Gitea, "no address", None),
        (Host::Bitbucket, "https://api.bitbucket.org/2.0", Some("https://bitbucket.org/")),
    ] {
        assert_eq!(site(host, api_url).map(String::from).as_deref(), expected, "{api_url}");
    }
    for host in Host::ALL {
        assert!(site(host, host.default_api_url()).is_some(), "{host}");
    }
}
