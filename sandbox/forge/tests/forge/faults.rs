//! Failures on order.

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_sandbox_forge::Fault;

use crate::world::{REPO, World};

#[tokio::test]
async fn faults_meet_the_next_requests_that_match_and_no_others() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let path = format!("repos/{REPO}");
    world.forge.fail_next(2, Some("GET"), "/shop", Fault::Status(502));
    assert_eq!(world.call(Method::POST, &world.acme, &format!("{path}/hooks"), json!({})).await?.0, 422);
    assert_eq!(world.get(&world.acme, "repos/acme/other").await?.0, 404);
    for expected in [502, 502, 200] {
        assert_eq!(world.get(&world.acme, &path).await?.0, expected);
    }
    let statuses: Vec<_> = world.forge.api_calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [422, 404, 502, 502, 200]);
    Ok(())
}

#[tokio::test]
async fn rate_limits_nonsense_and_outages_look_like_the_real_ones() -> Result<()> {
    for (dialect, limited) in [(Host::Github, Some(403)), (Host::Gitea, Some(429)), (Host::Bitbucket, None)] {
        let world = World::new(dialect, false).await?;
        let path = world.route();
        if let Some(limited) = limited {
            world.forge.fail_next(1, None, "", Fault::RateLimited { retry_after: Duration::from_secs(7) });
            assert_eq!(world.get(&world.acme, &path).await?.0, limited);
        }
        world.forge.fail_next(1, None, "", Fault::Nonsense);
        let nonsense = world.get(&world.acme, &path).await;
        assert!(nonsense.is_err_and(|error| error.to_string().contains("<html>")));
        world.forge.fail_next(1, None, "", Fault::Slow(Duration::from_millis(1)));
        assert_eq!(world.get(&world.acme, &path).await?.0, 200);
        world.forge.set_unavailable(true);
        assert_eq!(world.get(&world.acme, &path).await?.0, 503);
        assert!(world.git(".", &["ls-remote", &world.forge.git_url(REPO)]).await.is_err());
        world.forge.set_unavailable(false);
        assert_eq!(world.get(&world.acme, &path).await?.0, 200);
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_route_is_loud() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let (status, body) = world.call(Method::PUT, &world.acme, "repos/acme/shop/topics", Value::Null).await?;
    assert_eq!(status, 501);
    assert!(
        body["message"].as_str().is_some_and(|text| text.contains("PUT /repos/acme/shop/topics")),
        "{body}"
    );
    Ok(())
}
