//! Organisations and their teams.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::json;
use tidegate_model::Permission;

use super::Gitea;

/// What a token may do that can't see who is in a team.
const SCOPES_WITHOUT_TEAMS: [&str; 3] = ["write:repository", "write:issue", "read:user"];

/// Who acts for an organisation: it has no token of its own.
fn owner_of(organisation: &str) -> String {
    format!("{organisation}-boss")
}

impl Gitea {
    /// Makes an organisation with one owner, and returns that one's token. Whoever asks for the organisation's gets the same.
    pub async fn create_organisation(&self, name: &str) -> Result<String> {
        let owner = owner_of(name);
        let token = self.create_user(&owner).await?;
        let path = format!("/admin/users/{}/orgs", self.login(&owner));
        self.call(Method::POST, &path, None, Some(&json!({"username": self.login(name)}))).await?;
        self.remember(name, &token);
        Ok(token)
    }

    /// Makes a team. It may write to issues in any case, which says nothing about the code. Those who administrate are in
    /// the team of the owners, which is there.
    pub async fn create_team(
        &self,
        organisation: &str,
        name: &str,
        code: Permission,
        members: &[&str],
    ) -> Result<()> {
        let teams = format!("/orgs/{}/teams", self.login(organisation));
        let code = match code {
            Permission::None => "none",
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Admin => "owner",
        };
        let team = if code == "owner" {
            let all = self.call(Method::GET, &teams, None, None).await?;
            let is_it = |team: &&serde_json::Value| team["permission"] == "owner";
            all.as_array().into_iter().flatten().find(is_it).context("no team of the owners")?.clone()
        } else {
            let team = json!({
                "name": name, "permission": "read", "includes_all_repositories": true,
                "units_map": {"repo.code": code, "repo.issues": "write", "repo.pulls": "write"},
            });
            self.call(Method::POST, &teams, None, Some(&team)).await?
        };
        for member in members {
            self.create_user(member).await?;
            let path = format!("/teams/{}/members/{}", team["id"], self.login(member));
            self.call(Method::PUT, &path, None, None).await?;
        }
        Ok(())
    }

    /// A token of the organisation's owner that may not see who is in its teams.
    pub async fn token_without_teams(&self, organisation: &str) -> Result<String> {
        self.create_token(&owner_of(organisation), "narrow", &SCOPES_WITHOUT_TEAMS).await
    }
}
