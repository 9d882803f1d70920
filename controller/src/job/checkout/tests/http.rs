//! Repositories over HTTP.

use std::{
    convert::Infallible,
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
};
use futures::{StreamExt as _, stream};
use tokio::{io::AsyncWriteExt, process::Command, task::JoinHandle};

use super::*;

const TOKEN: &str = "s3cr3t-t0ken";
/// `tidegate-user:s3cr3t-t0ken`
const AUTHORIZATION: &str = "Basic dGlkZWdhdGUtdXNlcjpzM2NyM3QtdDBrZW4=";

/// What a host is like.
#[derive(Debug, Clone)]
pub(super) struct HostSpec {
    root: PathBuf,
    /// Whether its repositories are shown to nobody without the token.
    is_private: bool,
    /// Whether it serves any commit by its SHA, as protocol 2 does, or only what a ref points to.
    serves_shas: bool,
    /// Which request, from 1, is answered with 503.
    fails_at: Option<usize>,
    /// Before it sends what was fetched: how often it says that it is still there, and whether it sends it at all.
    packing: Packing,
    /// The requests until now.
    requests: Arc<AtomicUsize>,
}

/// How long a host packs.
#[derive(Debug, Clone, Copy)]
enum Packing {
    /// It responds at once.
    Quick,
    /// It sends this many keep-alives, with this pause.
    KeepsAlive(usize, Duration),
    /// It sends nothing more.
    Silent,
}

/// A host over HTTP.
pub(super) struct Host {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) async fn serve(spec: HostSpec) -> Host {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let app = Router::new().fallback(backend).with_state(spec);
    #[expect(clippy::disallowed_methods, reason = "the task is aborted when the host is dropped")]
    let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    Host { address, task }
}

/// `git http-backend`.
async fn backend(State(spec): State<HostSpec>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if Some(spec.requests.fetch_add(1, Ordering::SeqCst) + 1) == spec.fails_at {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Response::builder().status(status).body(Body::empty()).expect("response");
    }
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if spec.is_private && header("authorization") != AUTHORIZATION {
        return Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"host\"")
            .body(Body::empty())
            .expect("response");
    }
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &spec.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", if spec.serves_shas { header("git-protocol") } else { "" })
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
    response.body(sent(output[end + 4..].to_vec(), spec.packing)).expect("response")
}

/// An answer as a host sends it that packs first.
fn sent(answer: Vec<u8>, packing: Packing) -> Body {
    const PACK: &[u8] = b"packfile\n";
    let start = answer.windows(PACK.len()).position(|part| part == PACK);
    let (Some(start), Packing::KeepsAlive(..) | Packing::Silent) = (start, packing) else {
        return Body::from(answer);
    };
    let (head, pack) = answer.split_at(start + PACK.len());
    let (head, pack) = (Bytes::copy_from_slice(head), Bytes::copy_from_slice(pack));
    let before = stream::iter([Ok::<_, Infallible>(head)]);
    match packing {
        Packing::KeepsAlive(times, pause) => {
            // An empty packet of the band of data, as `git upload-pack` sends it every five seconds.
            let alive = stream::iter(0..times).then(move |_| async move {
                tokio::time::sleep(pause).await;
                Ok(Bytes::from_static(b"0005\x01"))
            });
            Body::from_stream(before.chain(alive).chain(stream::iter([Ok(pack)])))
        }
        Packing::Silent | Packing::Quick => Body::from_stream(before.chain(stream::pending())),
    }
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

/// Checks out from a host like this one, with the scene's repository.
pub(super) async fn checkout(
    scene: Scene,
    spec: impl FnOnce(PathBuf) -> HostSpec,
    base: &CommitSha,
    head: Option<&CommitSha>,
    credential: Option<&'static str>,
) -> (Scene, Checkout) {
    let host = serve(spec(scene.dir.path().to_owned())).await;
    let url = format!("http://{}/host.git", host.address);
    let task = format!("task-{}", host.address.port());
    let (base, head) = (base.clone(), head.cloned());
    tokio::task::spawn_blocking(move || {
        let heads: Vec<(u64, &CommitSha)> = head.iter().map(|head| (7, head)).collect();
        let checkout = scene.checkout_from(&task, &url, "refs/heads/main", &base, &heads, credential);
        (scene, checkout)
    })
    .await
    .expect("no panic")
}

pub(super) fn public(root: PathBuf) -> HostSpec {
    HostSpec {
        root,
        is_private: false,
        serves_shas: true,
        fails_at: None,
        packing: Packing::Quick,
        requests: Arc::default(),
    }
}

pub(super) fn private(root: PathBuf) -> HostSpec {
    HostSpec { is_private: true, ..public(root) }
}

fn without_shas(root: PathBuf) -> HostSpec {
    HostSpec { serves_shas: false, ..public(root) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_the_repository_and_is_left_nowhere() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let head = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/pull/7/head");
    let (_scene, checkout) = checkout(scene, private, &base, Some(&head), Some("s3cr3t-t0ken\n")).await;
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
    for (credential, hint) in [(None, "needs git.cloneSecretRef"), (Some("wrong"), "with git.cloneSecretRef")]
    {
        let scene = Scene::new();
        let base = head_of(&scene);
        let (_scene, checkout) = checkout(scene, private, &base, None, credential).await;
        let (outcome, detail) = checkout.failure();
        assert_eq!(outcome, Outcome::Unreadable, "{}", checkout.log());
        assert!(detail.contains(hint), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_serves_no_shas_is_asked_for_the_refs_that_hold_them() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let old = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.git("work", &["checkout", "--quiet", "-B", "main", old.as_str()]);
    let new = scene.commit("main", &[("a.txt", "three\n")]);
    scene.push(&new, "refs/heads/main");
    scene.push(&new, "refs/pull/7/head");
    let (scene, pushed) = checkout(scene, without_shas, &old, None, None).await;
    pushed.assert_merged();
    assert_eq!(pushed.result(CheckoutResult::Commit), old.as_str());

    let lost = scene.commit("gone", &[("a.txt", "four\n")]);
    let (scene, gone) = checkout(scene, without_shas, &lost, None, None).await;
    assert_eq!(gone.failure().0, Outcome::Superseded, "{}", gone.log());

    let (_scene, merged) = checkout(scene, without_shas, &base, Some(&old), None).await;
    merged.assert_merged();
    assert_eq!(merged.file("a.txt").as_deref(), Some("two\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failed_request_of_any_number_is_survived() {
    for (is_large, is_pull_request, least) in [(false, false, 3), (false, true, 3), (true, true, 6)] {
        let mut scene = if is_large { large::large() } else { Scene::new() };
        // The pauses between the tries are not what is tested.
        scene.script = scene.script.replace("sleep \"", ": \"");
        let head = scene.commit("feature", &[("c.txt", "two\n")]);
        scene.push(&head, "refs/pull/7/head");
        let base = scene.commit("main", &[("a.txt", "three\n")]);
        scene.push(&base, "refs/heads/main");
        for number in 1.. {
            let requests = Arc::new(AtomicUsize::new(0));
            let spec =
                |root| HostSpec { fails_at: Some(number), requests: Arc::clone(&requests), ..private(root) };
            let head = is_pull_request.then_some(&head);
            let (same, checkout) = checkout(scene, spec, &base, head, Some("s3cr3t-t0ken")).await;
            scene = same;
            checkout.assert_merged();
            assert_eq!(checkout.file("a.txt").as_deref(), Some("three\n"));
            assert_eq!(checkout.file("c.txt").is_some(), is_pull_request);
            if requests.load(Ordering::SeqCst) < number {
                assert!(number > least, "{number} requests were enough");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_packs_long_is_waited_for_and_a_silent_one_is_not() {
    for (packing, is_survived) in
        [(Packing::KeepsAlive(12, Duration::from_millis(500)), true), (Packing::Silent, false)]
    {
        let mut scene = Scene::new();
        // A second here is a minute there, and one try is enough.
        let shortened = scene.script.replace("lowSpeedTime 300", "lowSpeedTime 5").replace("'1 4'", "''");
        assert_ne!(shortened, scene.script);
        scene.script = shortened;
        let base = head_of(&scene);
        let spec = |root| HostSpec { packing, ..public(root) };
        let (_scene, checkout) = checkout(scene, spec, &base, None, None).await;
        if is_survived {
            checkout.assert_merged();
            assert!(!checkout.log().contains("too slow"), "{}", checkout.log());
        } else {
            let (outcome, detail) = checkout.failure();
            assert_eq!(outcome, Outcome::Error);
            assert!(detail.contains("too slow"), "{detail}");
        }
    }
}
