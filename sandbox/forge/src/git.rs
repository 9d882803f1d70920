//! The bare repositories, through git's plumbing. Nothing of the machine's git configuration is used.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use tidegate_model::{CommitSha, RepositoryPath};
use tokio::{io::AsyncWriteExt as _, process::Command, sync::Mutex};

use crate::state::{Missing, User};

/// Every commit can be fetched by its id, as on the real hosts; `refs/pull/` belongs to the host.
const CONFIG: &str = "[init]\n\tdefaultBranch = main\n[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n\
    [receive]\n\thideRefs = refs/pull\n\tautogc = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// Separates commits, then fields: neither occurs in a message.
const LOG_FORMAT: &str = "--format=%x01%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00";

/// Runs git on the forge's repositories.
#[derive(Debug)]
pub(crate) struct Git {
    /// Holds `owner/name.git`.
    pub root: PathBuf,
    home: PathBuf,
    /// git by its path: by its name alone, with a search path of its own, Rust copies this whole process to start it.
    program: PathBuf,
    /// What git printed about commits named by their SHA, which never changes: (repository, arguments) to output.
    printed: Mutex<HashMap<(RepositoryPath, String), String>>,
}

/// Who made a commit, and when (RFC 3339).
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub name: String,
    pub email: String,
    pub date: String,
}

/// A commit and the files that it changed against its first parent.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub sha: CommitSha,
    pub tree: String,
    pub parents: Vec<String>,
    pub author: Signature,
    pub committer: Signature,
    pub message: String,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub modified: Vec<String>,
}

impl Git {
    pub async fn prepare(work_dir: &Path) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|folder| folder.join("git")).find(|file| file.is_file());
        let git = Self {
            root: work_dir.join("repositories"),
            home: work_dir.join("home"),
            program: program.context("the search path has no git: install it")?,
            printed: Mutex::default(),
        };
        tokio::fs::create_dir_all(&git.root).await.context("failed to create the folder of repositories")?;
        tokio::fs::create_dir_all(&git.home).await.context("failed to create git's home")?;
        tokio::fs::write(git.home.join(".gitconfig"), CONFIG).await.context("failed to write .gitconfig")?;
        Ok(git)
    }

    /// git with an empty environment but for its search path and a home of its own.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", &self.home).env("GIT_CONFIG_NOSYSTEM", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn directory(&self, repo: &RepositoryPath) -> PathBuf {
        self.root.join(format!("{repo}.git"))
    }

    /// Exit code and output of git in a repository.
    async fn try_run(&self, repo: &RepositoryPath, args: &[&str], stdin: &[u8]) -> Result<(bool, String)> {
        let mut command = self.command();
        let mut child = command.arg("-C").arg(self.directory(repo)).args(args).spawn()?;
        let mut pipe = child.stdin.take().context("git has no stdin")?;
        pipe.write_all(stdin).await?;
        drop(pipe);
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Ok((false, error.trim().to_owned()));
        }
        Ok((true, String::from_utf8(output.stdout)?.trim().to_owned()))
    }

    /// The same, from memory where it is about one commit by its SHA: what git has printed of it stays true.
    async fn try_run_once(&self, repo: &RepositoryPath, sha: &str, args: &[&str]) -> Result<(bool, String)> {
        if sha.parse::<CommitSha>().is_err() {
            return self.try_run(repo, args, b"").await;
        }
        let key = (repo.clone(), args.join(" "));
        if let Some(output) = self.printed.lock().await.get(&key) {
            return Ok((true, output.clone()));
        }
        let (success, output) = self.try_run(repo, args, b"").await?;
        if success {
            self.printed.lock().await.insert(key, output.clone());
        }
        Ok((success, output))
    }

    async fn run(&self, repo: &RepositoryPath, args: &[&str]) -> Result<String> {
        let (success, output) = self.try_run(repo, args, b"").await.context("failed to run git")?;
        if !success {
            bail!("git {} failed in {repo}: {output}", args.join(" "));
        }
        Ok(output)
    }

    /// Creates an empty repository, or one with another's branches and tags.
    pub async fn rename(&self, repo: &RepositoryPath, new: &RepositoryPath) -> Result<()> {
        tokio::fs::rename(self.directory(repo), self.directory(new)).await.context("failed to rename")
    }

    pub async fn create(&self, repo: &RepositoryPath, from: Option<&RepositoryPath>) -> Result<()> {
        tokio::fs::create_dir_all(self.directory(repo)).await?;
        self.run(repo, &["init", "--bare", "--quiet"]).await?;
        if let Some(from) = from {
            let from = self.directory(from).display().to_string();
            let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            self.run(repo, &["fetch", "--quiet", &from, refs[0], refs[1]]).await?;
        }
        Ok(())
    }

    /// All branches and tags.
    pub async fn refs(&self, repo: &RepositoryPath) -> Result<BTreeMap<String, CommitSha>> {
        let args = ["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"];
        let lines = self.run(repo, &args).await?;
        let parse = |line: &str| {
            let (name, sha) = line.split_once(' ').context("git printed a ref without an object")?;
            Ok((name.to_owned(), sha.parse()?))
        };
        lines.lines().map(parse).collect()
    }

    /// The full id of what a revision names, of the given type (`commit`, `object`).
    pub async fn resolve(&self, repo: &RepositoryPath, revision: &str, kind: &str) -> Result<CommitSha> {
        let object = format!("{revision}^{{{kind}}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &object];
        let (success, sha) = self.try_run_once(repo, revision, &args).await?;
        if !success {
            return Err(Missing(object).into());
        }
        Ok(sha.parse()?)
    }

    /// `commit`, `tag`, …
    pub async fn object_type(&self, repo: &RepositoryPath, sha: &CommitSha) -> Result<String> {
        self.run(repo, &["cat-file", "-t", sha.as_str()]).await
    }

    /// What an annotated tag points to, and of which type that is.
    pub async fn tag_target(&self, repo: &RepositoryPath, tag: &CommitSha) -> Result<(CommitSha, String)> {
        let text = self.run(repo, &["cat-file", "tag", tag.as_str()]).await?;
        let field =
            |name| text.lines().find_map(|line| line.strip_prefix(name)).context("git printed no tag");
        Ok((field("object ")?.parse()?, field("type ")?.to_owned()))
    }

    pub async fn set_ref(&self, repo: &RepositoryPath, name: &str, sha: Option<&CommitSha>) -> Result<()> {
        match sha {
            Some(sha) => self.run(repo, &["update-ref", name, sha.as_str()]).await?,
            None => self.run(repo, &["update-ref", "-d", name]).await?,
        };
        Ok(())
    }

    /// Writes files over what `from` holds and moves the reference, by its full name, to the new commit.
    pub async fn commit(
        &self,
        repo: &RepositoryPath,
        reference: &str,
        from: Option<&CommitSha>,
        (author, seconds): (&User, i64),
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<CommitSha> {
        let mut stream = format!("commit {reference}\nmark :1\n");
        writeln!(stream, "committer {} <{}> {seconds} +0000", author.login, author.email())?;
        writeln!(stream, "data {}\n{message}", message.len())?;
        if let Some(from) = from {
            writeln!(stream, "from {from}")?;
        }
        for (path, content) in files {
            write!(stream, "M 100644 inline {path}\ndata {}\n{content}\n", content.len())?;
        }
        stream.push_str("\nget-mark :1\n");
        let (success, output) = self.try_run(repo, &["fast-import", "--quiet"], stream.as_bytes()).await?;
        if !success {
            bail!("git fast-import failed in {repo}: {output}");
        }
        Ok(output.parse()?)
    }

    /// Copies a head branch, of this or another repository, to the ref that keeps it. A head without a branch is there.
    pub async fn fetch_pull_head(
        &self,
        repo: &RepositoryPath,
        target: &str,
        (head_repository, head): (&RepositoryPath, &str),
    ) -> Result<CommitSha> {
        let from = self.directory(head_repository).display().to_string();
        if head != target {
            self.run(repo, &["fetch", "--quiet", &from, &format!("+refs/heads/{head}:{target}")]).await?;
        }
        self.resolve(repo, target, "commit").await
    }

    /// Copies a branch's commits into a repository that keeps no reference to them.
    pub async fn copy_branch(
        &self,
        into: &RepositoryPath,
        (from, branch): (&RepositoryPath, &str),
    ) -> Result<()> {
        if into != from {
            let from = self.directory(from).display().to_string();
            self.run(into, &["fetch", "--quiet", &from, &format!("refs/heads/{branch}")]).await?;
        }
        Ok(())
    }

    pub async fn merge_base(&self, repo: &RepositoryPath, a: &CommitSha, b: &CommitSha) -> Result<CommitSha> {
        Ok(self.run(repo, &["merge-base", a.as_str(), b.as_str()]).await?.parse()?)
    }

    /// The tree that a merge would have; `None` if there is a conflict.
    pub async fn merge_tree(
        &self,
        repo: &RepositoryPath,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Option<String>> {
        let args = ["merge-tree", "--write-tree", base.as_str(), head.as_str()];
        let (clean, output) = self.try_run(repo, &args, b"").await?;
        if !clean && !output.is_empty() {
            bail!("git merge-tree failed in {repo}: {output}");
        }
        Ok(clean.then_some(output))
    }

    pub async fn merge_commit(
        &self,
        repo: &RepositoryPath,
        tree: &str,
        parents: [&CommitSha; 2],
        (author, message): (&User, &str),
    ) -> Result<CommitSha> {
        let name = format!("user.name={}", author.login);
        let email = format!("user.email={}", author.email());
        let [first, second] = parents.map(CommitSha::as_str);
        let commit = ["commit-tree", tree, "-p", first, "-p", second, "-m", message];
        let args = [&["-c", &name, "-c", &email], &commit[..]].concat();
        Ok(self.run(repo, &args).await?.parse()?)
    }

    /// Commits, newest first; `revisions` as git's log takes them.
    pub async fn log(&self, repo: &RepositoryPath, revisions: &[&str]) -> Result<Vec<Commit>> {
        let options = ["log", LOG_FORMAT, "--name-status", "--no-renames", "--diff-merges=first-parent"];
        let args = [&options[..], revisions, &["--"]].concat();
        let sha = if let ["-1", sha] = revisions { sha } else { "" };
        let (success, text) = self.try_run_once(repo, sha, &args).await?;
        ensure!(success, "git log {} failed in {repo}: {text}", revisions.join(" "));
        text.split('\x01')
            .skip(1)
            .map(|record| parse_commit(record).context("git log printed nonsense"))
            .collect()
    }

    /// One commit.
    pub async fn show(&self, repo: &RepositoryPath, revision: &str) -> Result<Commit> {
        let sha = self.resolve(repo, revision, "commit").await?;
        self.log(repo, &["-1", sha.as_str()]).await?.pop().context("git log printed no commit")
    }
}

fn parse_commit(record: &str) -> Option<Commit> {
    let mut fields = record.split('\0').map(str::to_owned);
    let (sha, tree, parents) = (fields.next()?.parse().ok()?, fields.next()?, fields.next()?);
    let mut signature =
        || Some(Signature { name: fields.next()?, email: fields.next()?, date: fields.next()? });
    let (author, committer) = (signature()?, signature()?);
    let (message, files) = (fields.next()?, fields.next()?);
    let with = |letter| {
        let path = move |line: &str| Some(line.strip_prefix(letter)?.trim().to_owned());
        files.lines().filter_map(path).collect()
    };
    let parents = parents.split_whitespace().map(str::to_owned).collect();
    let (added, removed, modified) = (with('A'), with('D'), with('M'));
    Some(Commit { sha, tree, parents, author, committer, message, added, removed, modified })
}
