//! A private repository over HTTP.

use std::{net::SocketAddr, process::Stdio};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
};
use tokio::{io::AsyncWriteExt, process::Command, task::JoinHandle};

use super::*;

const TOKEN: &str = "s3cr3t-t0ken";
/// `x-access-token:s3cr3t-t0ken`
const AUTHORIZATION: &str = "Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0LXQwa2Vu";

/// A host over HTTP that shows its repository to nobody without the token.
struct Host {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(root: PathBuf) -> Host {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let app = Router::new().fallback(backend).with_state(root);
    #[expect(clippy::disallowed_methods, reason = "the task is aborted when the host is dropped")]
    let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    Host { address, task }
}

/// `git http-backend` behind basic authentication.
async fn backend(State(root): State<PathBuf>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != AUTHORIZATION {
        return Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"host\"")
            .body(Body::empty())
            .expect("response");
    }
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git runs");
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.expect("body");
    let mut stdin = backend.stdin.take().expect("piped");
    stdin.write_all(&body).await.expect("writes");
    drop(stdin);
    let output = backend.wait_with_output().await.expect("git ends").stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("headers");
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        if let Some((name, value)) = line.split_once(": ") {
            response = match name {
                "Status" => response.status(value[..3].parse::<u16>().expect("status")),
                _ => response.header(name, value),
            };
        }
    }
    response.body(Body::from(output[end + 4..].to_vec())).expect("response")
}

/// Every file under a directory that holds the token.
fn files_with_token(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files_with_token(&path));
        } else if fs::read(&path).expect("file").windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()) {
            found.push(path);
        }
    }
    found
}

async fn checkout(path: &str, credential: Option<&'static str>) -> (Scene, Checkout) {
    let scene = Scene::new();
    let base = head_of(&scene);
    let head = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/pull/7/head");
    let host = serve(scene.dir.path().to_owned()).await;
    let url = format!("http://{}/{path}", host.address);
    tokio::task::spawn_blocking(move || {
        let checkout = scene.checkout_from("task", &url, "refs/heads/main", &base, &[(7, &head)], credential);
        (scene, checkout)
    })
    .await
    .expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_the_repository_and_is_left_nowhere() {
    let (_scene, checkout) = checkout("host.git", Some("s3cr3t-t0ken\n")).await;
    checkout.assert_merged();
    assert_eq!(checkout.file("a.txt").as_deref(), Some("two\n"));
    assert!(!checkout.log().contains(TOKEN), "{}", checkout.log());
    assert_eq!(files_with_token(&checkout.source), Vec::<PathBuf>::new());
    assert!(!checkout.git(&["config", "--local", "--list"]).contains("credential"));
    // The job compares with the base without a credential.
    assert!(checkout.git(&["diff", "refs/tidegate/base", "HEAD"]).contains("+two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_the_repository_is_unreadable() {
    for credential in [None, Some("wrong")] {
        let (_scene, checkout) = checkout("host.git", credential).await;
        assert_eq!(checkout.failure().0, Outcome::Unreadable, "{}", checkout.log());
    }
}
