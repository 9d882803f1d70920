//! Git over HTTP: `git http-backend` as a CGI program, behind the hosts' rules of who may fetch and push.
//!
//! <https://git-scm.com/docs/git-http-backend>

use anyhow::{Context as _, Result, ensure};
use axum::{
    body::{Body, Bytes},
    http::{header, request::Parts},
    response::Response,
};
use tidegate_model::Permission;
use tokio::io::AsyncWriteExt as _;

use crate::{Forge, User, server::Refusal};

/// Serves `/owner/name[.git]/…`. A repository one may not read does not exist, once one has said who one is.
pub(crate) async fn answer(
    forge: &Forge,
    request: &Parts,
    body: Bytes,
    viewer: Option<User>,
) -> Result<Response, Refusal> {
    let absent = || Refusal::new(404, "Repository not found.");
    let mut parts = request.uri.path()[1..].splitn(3, '/');
    let (owner, name, service) = (
        parts.next().ok_or_else(absent)?,
        parts.next().ok_or_else(absent)?,
        parts.next().ok_or_else(absent)?,
    );
    let query = request.uri.query().unwrap_or_default();
    let push = match (service, query) {
        ("info/refs", "service=git-upload-pack") | ("git-upload-pack", "") => false,
        ("info/refs", "service=git-receive-pack") | ("git-receive-pack", "") => true,
        _ => return Err(absent()),
    };
    let name = name.strip_suffix(".git").unwrap_or(name);
    let (repo, permission) = {
        let state = forge.state();
        match state.repository(&format!("{owner}/{name}")) {
            Ok(repo) => (Some(repo.path.clone()), state.permission(repo, viewer.as_ref())),
            Err(_) => (None, Permission::None),
        }
    };
    let need = if push { Permission::Write } else { Permission::Read };
    let repo = match (repo, viewer.as_ref()) {
        (Some(repo), _) if permission >= need => repo,
        (_, None) => return Err(Refusal::new(401, "Authentication required.")),
        (Some(repo), Some(user)) if permission >= Permission::Read => {
            return Err(Refusal::new(403, format!("Permission to {repo} denied to {}.", user.login)));
        }
        (_, Some(_)) => return Err(absent()),
    };
    let path = format!("/{repo}.git/{service}");
    let work = run_backend(forge, request, &path, body, viewer.as_ref());
    let output = match viewer.as_ref().filter(|_| service == "git-receive-pack") {
        Some(pusher) => forge.change_refs(&repo, pusher, work).await?,
        None => work.await?,
    };
    Ok(parse_response(&output)?)
}

async fn run_backend(
    forge: &Forge,
    request: &Parts,
    path: &str,
    body: Bytes,
    user: Option<&User>,
) -> Result<Vec<u8>> {
    let text = |name| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let protocol = text(header::HeaderName::from_static("git-protocol"));
    let mut command = forge.inner.git.command();
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &forge.inner.git.root)
        .env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", request.method.as_str()).env("PATH_INFO", path);
    command.env("QUERY_STRING", request.uri.query().unwrap_or_default()).env("GIT_PROTOCOL", protocol);
    command.env("CONTENT_TYPE", text(header::CONTENT_TYPE)).env("CONTENT_LENGTH", body.len().to_string());
    command.env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING)).env("REMOTE_ADDR", "127.0.0.1");
    if let Some(user) = user {
        // Its presence is what allows pushes.
        command.env("REMOTE_USER", &user.login);
    }
    let mut child = command.spawn().context("failed to start git http-backend")?;
    let mut stdin = child.stdin.take().context("git has no stdin")?;
    // Both at once: the program answers while it still reads. It need not read all of a request that it refuses.
    let write = async move { stdin.write_all(&body).await };
    let (written, output) = tokio::join!(write, child.wait_with_output());
    let output = output.context("failed to run git http-backend")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git http-backend failed: {written:?} {error}");
    Ok(output.stdout)
}

/// A CGI response: header lines, of which `Status` is ours, an empty line, the body.
fn parse_response(output: &[u8]) -> Result<Response> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.context("git http-backend printed no headers")?;
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end])?.lines() {
        let (name, value) = line.split_once(':').context("git http-backend printed a bad header")?;
        response = match name {
            "Status" => response.status(value.trim().get(..3).context("bad status")?),
            _ => response.header(name, value.trim()),
        };
    }
    Ok(response.body(Body::from(output[end + 4..].to_vec()))?)
}
