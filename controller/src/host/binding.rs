//! Which host a Secret may be sent to. Who may write a config could otherwise send its Secret to a host of his own, by
//! `spec.git.apiUrl`. Pure.

use tidegate_hosts::client::{self, EgressPolicy};
use tidegate_model::Host;
use tidegate_resources::{GitSpec, site};

/// Whether a Secret may be sent to the host of a config: the host is one of its annotation, which its owner writes
/// (`tidegate.dev/host`, separated by commas); without an annotation, a public one or one that the operator lists.
///
/// The address that people go to means the API, too: `github.com` stands for `api.github.com`.
pub fn is_bound(annotation: Option<&str>, git: &GitSpec, listed: &EgressPolicy) -> bool {
    let wanted = authority(git.api_url());
    match annotation {
        Some(hosts) => {
            let people = client::site(git.type_, git.api_url()).map(|site| authority(site.as_str()));
            hosts
                .split(',')
                .map(str::trim)
                .filter(|host| !host.is_empty())
                .map(authority)
                .any(|host| host == wanted || people.as_ref() == Some(&host))
        }
        None => {
            Host::ALL.iter().any(|host| authority(host.default_api_url()) == wanted)
                || listed.lists(git.api_url())
        }
    }
}

/// Host and port of an address or of a bare host, in one spelling.
pub fn authority(address: &str) -> String {
    let site = if address.contains("://") { site(address) } else { site(&format!("https://{address}")) };
    site.split_once('/').map_or(site.clone(), |(authority, _)| authority.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn git(host: &str, api_url: Option<&str>) -> GitSpec {
        serde_json::from_value(json!({"type": host, "repository": "acme/shop", "apiUrl": api_url}))
            .expect("a git spec")
    }

    fn bound(annotation: Option<&str>, host: &str, api_url: Option<&str>) -> bool {
        let listed = EgressPolicy::new(["git.acme.example".to_owned(), "10.0.0.7:3000".to_owned()]);
        is_bound(annotation, &git(host, api_url), &listed)
    }

    #[test]
    fn an_annotated_secret_is_sent_to_the_hosts_that_it_names_and_to_no_other() {
        let own = Some("https://git.own.example/api/v3");
        for annotation in
            ["git.own.example", "GIT.own.example.", "https://git.own.example/", "a.example, git.own.example"]
        {
            assert!(bound(Some(annotation), "github", own), "{annotation}");
        }
        for annotation in
            ["", ",", "own.example", "git.own.example:8443", "x.git.own.example", "evil.example"]
        {
            assert!(!bound(Some(annotation), "github", own), "{annotation}");
        }
        // Not even to those that the operator lists, or to the public ones.
        assert!(!bound(Some("git.own.example"), "gitea", Some("https://git.acme.example")));
        assert!(!bound(Some("git.own.example"), "github", None));
        let port = Some("http://127.0.0.1:3000");
        assert!(bound(Some("127.0.0.1:3000"), "gitea", port));
        assert!(!bound(Some("127.0.0.1:3001"), "gitea", port) && !bound(Some("127.0.0.1"), "gitea", port));
    }

    #[test]
    fn githubs_web_address_means_its_api_and_no_other_hosts_does() {
        assert!(bound(Some("github.com"), "github", None) && bound(Some("api.github.com"), "github", None));
        assert!(bound(Some("acme.ghe.com"), "github", Some("https://api.acme.ghe.com")));
        assert!(!bound(Some("gitea.com"), "gitea", Some("https://api.gitea.com")));
    }

    #[test]
    fn a_secret_without_an_annotation_is_sent_to_listed_and_public_hosts_alone() {
        assert!(bound(None, "github", None) && bound(None, "gitea", None));
        assert!(bound(None, "gitea", Some("https://git.acme.example/")));
        assert!(bound(None, "gitea", Some("http://10.0.0.7:3000")));
        for other in
            ["https://git.own.example", "http://10.0.0.7:3001", "https://api.github.com.evil.example"]
        {
            assert!(!bound(None, "gitea", Some(other)), "{other}");
        }
    }
}
