//! Pages, filters and errors.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_sandbox_forge::Fault;

use crate::{
    bitbucket::{ROUTE, message, world},
    world::{REPO, World},
};

fn ids(page: &Value) -> Vec<u64> {
    page["values"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_u64()).collect()
}

#[tokio::test]
async fn pages_are_objects_with_the_next_one_named() -> Result<()> {
    let world = world().await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    for n in 1..=12 {
        world.forge.open_pull_request(REPO, "dora", "topic", "main", &format!("number {n}")).await?;
    }
    let first = world.read(&format!("{ROUTE}/pullrequests?sort=id&q=state%3D%22OPEN%22")).await?;
    assert_eq!((&first["pagelen"], &first["page"], &first["size"]), (&json!(10), &json!(1), &json!(12)));
    assert_eq!(ids(&first), (1..=10).collect::<Vec<_>>());
    let next = first["next"].as_str().context("a next page")?.to_owned();
    let second = world.read(next.split_once("/2.0/").context("a URL")?.1).await?;
    assert_eq!((ids(&second), second.get("next")), (vec![11, 12], None));
    let newest = world.read(&format!("{ROUTE}/pullrequests?pagelen=1")).await?;
    assert_eq!(ids(&newest), [12]);
    for (query, expected) in [("pagelen=50", 200), ("pagelen=51", 400), ("pagelen=0", 400), ("page=x", 400)] {
        let (status, body) = world.get("", &format!("{ROUTE}/pullrequests?{query}")).await?;
        assert_eq!(status, expected, "{query}");
        assert!(status == 200 || message(&body).starts_with("Invalid page"), "{body}");
    }
    assert_eq!(world.get("", &format!("{ROUTE}/refs/branches?pagelen=100")).await?.0, 200);
    assert_eq!(world.get("", &format!("{ROUTE}/refs/branches?pagelen=101")).await?.0, 400);
    Ok(())
}

#[tokio::test]
async fn a_query_compares_fields() -> Result<()> {
    let world = world().await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    for title in ["first", "second", "third"] {
        world.forge.open_pull_request(REPO, "dora", "topic", "main", title).await?;
    }
    world.forge.close_pull_request(REPO, 2, "dora").await?;
    let find = async |query: &str| {
        let url = reqwest::Url::parse_with_params("http://x/", [("q", query), ("sort", "-id")])?;
        let query = url.query().context("a query")?;
        Ok::<_, anyhow::Error>(ids(&world.read(&format!("{ROUTE}/pullrequests?{query}")).await?))
    };
    assert_eq!(find("state = \"OPEN\"").await?, [3, 1]);
    assert_eq!(find("state != \"OPEN\" AND id > 1").await?, [2]);
    assert_eq!(find("title = \"second\"").await?, [0; 0], "a declined one is not listed unless asked for");
    assert_eq!(find("updated_on > 2026-01-01T00:00:00+00:00 AND id <= 1").await?, [1]);
    assert_eq!(find("updated_on > \"2999-01-01T00:00:00+00:00\"").await?, [0; 0]);
    let (status, _) = world.get("", &format!("{ROUTE}/pullrequests?q=(id%3D1)%20OR%20id%3D2")).await?;
    assert_eq!(status, 501);
    Ok(())
}

#[tokio::test]
async fn errors_have_a_type_and_a_message() -> Result<()> {
    let world = World::new(Host::Bitbucket, true).await?;
    for (token, path, expected) in [
        ("", ROUTE, 404),
        ("ATCTT-wrong", ROUTE, 401),
        (&*world.steve, ROUTE, 404),
        (&*world.dora, ROUTE, 200),
        (&*world.dora, &format!("{ROUTE}/hooks"), 403),
        (&*world.dora, &format!("{ROUTE}/pullrequests/7"), 404),
        (&*world.dora, &format!("{ROUTE}/issues"), 501),
    ] {
        let (status, body) = world.get(token, path).await?;
        assert_eq!(status, expected, "{path}");
        assert!(status == 200 || (body["type"] == "error" && !message(&body).is_empty()), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_limit_is_a_text_and_names_the_seconds_that_are_left() -> Result<()> {
    let world = world().await?;
    world.forge.fail_next(1, None, "", Fault::RateLimited { retry_after: Duration::from_secs(7) });
    let url = format!("{}/{ROUTE}", world.forge.api_url());
    let response = world.client.get(url).bearer_auth(&world.acme).send().await?;
    assert_eq!(response.status(), 429);
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!((header("x-ratelimit-reset"), header("retry-after")), (Some("7"), None));
    assert!(header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    Ok(())
}

#[tokio::test]
async fn a_renamed_repository_is_found_by_its_old_path() -> Result<()> {
    let world = world().await?;
    world.forge.rename(REPO, "acme/store").await?;
    assert_eq!(world.read(ROUTE).await?["full_name"], "acme/store");
    Ok(())
}
