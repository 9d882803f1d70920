//! Real pushes over HTTP, with the token of whoever pushes.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tidegate_model::CommitSha;
use tokio::process::Command;

use super::Gitea;

impl Gitea {
    /// Clones, writes files in one commit, and pushes it. A missing branch starts at `main`.
    pub async fn commit(
        &self,
        repo: &str,
        branch: &str,
        author: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<CommitSha> {
        self.commit_to(repo, branch, &format!("refs/heads/{branch}"), author, files, message).await
    }

    /// Opens a pull request by a push to `refs/for/BASE/LOGIN`, with one commit on the base.
    pub async fn push_for_review(
        &self,
        repo: &str,
        login: &str,
        base: &str,
        files: &[(&str, &str)],
    ) -> Result<(u64, CommitSha)> {
        let target = format!("refs/for/{base}/{}", self.login(login));
        let head = self.commit_to(repo, base, &target, login, files, "For review").await?;
        let number = self.pull_request_at(repo, &head).await?;
        Ok((number, head))
    }

    /// Commits onto a branch, or onto `main`, and pushes the commit to a reference.
    async fn commit_to(
        &self,
        repo: &str,
        branch: &str,
        target: &str,
        author: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<CommitSha> {
        let clone = self.clone_of(repo, author).await?;
        let folder = clone.path();
        let start = format!("refs/remotes/origin/{branch}");
        let known = self.git(author, folder, &["rev-parse", "--quiet", "--verify", &start]).await.is_ok();
        let start = if known { start.as_str() } else { "refs/remotes/origin/main" };
        self.git(author, folder, &["checkout", "--quiet", "--detach", start]).await?;
        for (name, content) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().context("a file without a folder")?)?;
            std::fs::write(path, content)?;
        }
        self.git(author, folder, &["add", "--all"]).await?;
        self.git(author, folder, &["commit", "--quiet", "--message", message]).await?;
        self.git(author, folder, &["push", "--quiet", "origin", &format!("HEAD:{target}")]).await?;
        Ok(self.git(author, folder, &["rev-parse", "HEAD"]).await?.parse()?)
    }

    /// Adds a submodule at `library` in one commit on a branch.
    pub async fn commit_submodule(
        &self,
        repo: &str,
        branch: &str,
        author: &str,
        url: &str,
        sha: &CommitSha,
    ) -> Result<()> {
        let clone = self.clone_of(repo, author).await?;
        let folder = clone.path();
        self.git(author, folder, &["checkout", "--quiet", branch]).await?;
        std::fs::write(
            folder.join(".gitmodules"),
            format!("[submodule \"library\"]\n\tpath = library\n\turl = {url}\n"),
        )?;
        self.git(author, folder, &["add", ".gitmodules"]).await?;
        let link = format!("160000,{sha},library");
        self.git(author, folder, &["update-index", "--add", "--cacheinfo", &link]).await?;
        self.git(author, folder, &["commit", "--quiet", "--message", "Add a submodule"]).await?;
        self.git(author, folder, &["push", "--quiet", "origin", branch]).await?;
        Ok(())
    }

    /// Pushes new branches at once, each with one commit on `main` of its own.
    pub async fn commit_branches(
        &self,
        repo: &str,
        author: &str,
        branches: &[String],
    ) -> Result<Vec<CommitSha>> {
        let clone = self.clone_of(repo, author).await?;
        let folder = clone.path();
        let mut heads = Vec::new();
        for branch in branches {
            self.git(author, folder, &["checkout", "--quiet", "-b", branch, "origin/main"]).await?;
            std::fs::write(folder.join(branch), "new\n")?;
            self.git(author, folder, &["add", branch]).await?;
            self.git(author, folder, &["commit", "--quiet", "--message", &format!("Add {branch}")]).await?;
            heads.push(self.git(author, folder, &["rev-parse", "HEAD"]).await?.parse()?);
        }
        self.git(author, folder, &["push", "--quiet", "--all", "origin"]).await?;
        Ok(heads)
    }

    /// Pushes one refspec of what the repository already holds.
    pub async fn push(&self, repo: &str, login: &str, refspec: &str) -> Result<()> {
        let clone = self.clone_of(repo, login).await?;
        self.git(login, clone.path(), &["push", "--quiet", "origin", refspec]).await?;
        Ok(())
    }

    async fn clone_of(&self, repo: &str, login: &str) -> Result<TempDir> {
        let folder = tempfile::tempdir()?;
        self.git(login, folder.path(), &["clone", "--quiet", &self.git_url(repo), "."]).await?;
        Ok(folder)
    }

    /// Runs git as a user, and returns what it prints. The token is in the environment, not in the arguments.
    async fn git(&self, login: &str, folder: &Path, arguments: &[&str]) -> Result<String> {
        let (name, token) = (self.login(login), self.token(login)?);
        let email = format!("{name}@forge.test");
        let output = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "http.extraHeader")
            .env("GIT_CONFIG_VALUE_0", format!("Authorization: token {token}"))
            .env("GIT_AUTHOR_NAME", &name)
            .env("GIT_AUTHOR_EMAIL", &email)
            .env("GIT_COMMITTER_NAME", &name)
            .env("GIT_COMMITTER_EMAIL", &email)
            .kill_on_drop(true)
            .output()
            .await
            .context("failed to start git")?;
        ensure!(
            output.status.success(),
            "git {arguments:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}
