//! The REST API, where the dialects differ and where they don't.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_model::{AccountKind, Host, Permission};

use crate::{
    sink::{SECRET, Sink},
    world::{PATIENCE, REPO, V3, World},
};

#[tokio::test]
async fn permissions_are_rendered_in_the_hosts_words() -> Result<()> {
    for (dialect, owner) in [(Host::Github, "admin"), (Host::Gitea, "owner")] {
        for (private, stranger) in [(false, "read"), (true, "none")] {
            let world = World::new(dialect, private).await?;
            let ask = async |token: &str, login: &str| {
                world.get(token, &format!("repos/{REPO}/collaborators/{login}/permission")).await
            };
            for (login, expected) in [("acme", owner), ("dora", "write"), ("steve", stranger)] {
                let (status, body) = ask(&world.acme, login).await?;
                assert_eq!((status, &body["permission"]), (200, &json!(expected)), "{dialect} {login}");
            }
            assert_eq!(ask(&world.acme, "nobody").await?.0, 404);
            assert_eq!(ask("", "dora").await?.0, if private { 404 } else { 401 });
            let other = match dialect {
                Host::Github => 200,
                _ => 403,
            };
            assert_eq!(ask(&world.dora, "acme").await?.0, other, "{dialect}: a writer asks for another");
        }
    }
    Ok(())
}

#[tokio::test]
async fn gitea_shows_people_and_teams_as_a_real_one_does() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let code = async |path: &str| Ok::<_, anyhow::Error>(world.get(&world.acme, path).await?.0);
    assert_eq!(code(&format!("repos/{REPO}/teams")).await?, 405, "a person's repository has no teams");
    world.forge.set_kind("acme", AccountKind::Organisation)?;
    world.forge.set_kind("robo", AccountKind::Bot)?;
    world.forge.create_team("acme", "coders", Permission::Write, &["steve"]);
    let ask = async |path: &str| Ok::<_, anyhow::Error>(world.get(&world.acme, path).await?.1);
    let flat = ask(&format!("repos/{REPO}/collaborators/steve/permission")).await?;
    assert_eq!(flat["permission"], "read", "the answer doesn't say what his team may do with the code");
    let teams = ask(&format!("repos/{REPO}/teams")).await?;
    assert_eq!(teams[0]["units_map"]["repo.code"], "write");
    let id = &teams[0]["id"];
    for (path, expected) in [
        (format!("teams/{id}"), 200),
        (format!("teams/{id}/members/steve"), 200),
        (format!("teams/{id}/members/dora"), 404),
        (format!("repos/{REPO}/collaborators/dora"), 204),
        (format!("repos/{REPO}/collaborators/steve"), 404),
    ] {
        assert_eq!(code(&path).await?, expected, "{path}");
    }
    for (login, is_person) in [("steve", true), ("acme", false), ("robo", false)] {
        let user = ask(&format!("repos/{REPO}/collaborators/{login}/permission")).await?["user"].clone();
        let found = ask(&format!("users/search?uid={}", user["id"])).await?;
        assert_eq!(found["data"] == json!([user]), is_person, "{login}: {found}");
    }
    Ok(())
}

#[tokio::test]
async fn gitea_shows_the_head_of_an_agit_push_in_the_base_repository_without_a_branch() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let (number, sha) = world.forge.push_for_review(REPO, "steve", "main", &[("a", "1\n")]).await?;
    let head = world.read(&format!("repos/{REPO}/pulls/{number}")).await?["head"].clone();
    assert_eq!((&head["label"], &head["ref"]), (&json!(""), &json!(format!("refs/pull/{number}/head"))));
    assert_eq!((&head["sha"], &head["repo"]["full_name"]), (&json!(sha), &json!(REPO)));
    assert_eq!(world.get("", &format!("repos/{REPO}/branches/refs/pull/{number}/head")).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn tokens_decide_what_there_is() -> Result<()> {
    for dialect in [Host::Github, Host::Gitea, Host::Bitbucket] {
        let world = World::new(dialect, true).await?;
        let path = world.route();
        for (token, expected) in [("", 404), ("wrong", 401), (&*world.steve, 404), (&*world.dora, 200)] {
            assert_eq!(world.get(token, &path).await?.0, expected, "{dialect} {token:?}");
        }
        assert_eq!(world.get(&world.dora, &format!("{path}/hooks")).await?.0, 403);
        let who: Vec<_> = world.forge.api_calls().into_iter().map(|call| call.who).collect();
        assert_eq!(who, [None, None, Some("steve".into()), Some("dora".into()), Some("dora".into())]);
    }
    Ok(())
}

#[tokio::test]
async fn statuses_are_kept_and_the_newest_of_a_context_counts() -> Result<()> {
    for (dialect, unknown_state, unknown_commit, state) in
        [(Host::Github, 422, 422, "state"), (Host::Gitea, 201, 500, "status")]
    {
        let world = World::new(dialect, false).await?;
        let sha = world.forge.branch(REPO, "main")?;
        let path = format!("repos/{REPO}/statuses/{sha}");
        let post = async |token: &str, path: &str, state: &str| {
            let body =
                json!({ "state": state, "context": "ci/a", "description": "d", "target_url": "http://x/" });
            world.call(Method::POST, token, path, body).await
        };
        assert_eq!(post("", &path, "pending").await?.0, 401);
        assert_eq!(post(&world.steve, &path, "pending").await?.0, 403);
        let missing = format!("repos/{REPO}/statuses/{}", "1".repeat(40));
        assert_eq!(post(&world.dora, &missing, "pending").await?.0, unknown_commit);

        let (status, body) = post(&world.dora, &path, "pending").await?;
        assert_eq!(
            (status, &body[state], &body["creator"]["login"]),
            (201, &json!("pending"), &json!("dora"))
        );
        let (waited, posted) = tokio::join!(
            world.forge.wait_for_status(REPO, &sha, "ci/a", PATIENCE, |status| status.state == "success"),
            post(&world.dora, &path, "success"),
        );
        assert_eq!((posted?.0, waited?.description.as_deref()), (201, Some("d")));
        let history: Vec<_> =
            world.forge.statuses(REPO, &sha)?.into_iter().map(|status| status.state).collect();
        assert_eq!(history, ["pending", "success"]);
        let combined = world.read(&format!("repos/{REPO}/commits/main/status")).await?;
        assert_eq!((&combined["state"], &combined["total_count"]), (&json!("success"), &json!(1)));
        let list = world.read(&format!("repos/{REPO}/commits/{sha}/statuses")).await?;
        assert_eq!((&list[0][state], &list[1][state]), (&json!("success"), &json!("pending")));
        assert_eq!(post(&world.dora, &path, "mauve").await?.0, unknown_state);

        let limit = Duration::from_millis(1);
        let error = world.forge.wait_for_status(REPO, &sha, "ci/b", limit, |_| true).await.err();
        let error = format!("{:#}", error.context("a status that nobody posted")?);
        assert!(error.contains("ci/a=success") && error.contains("in vain"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn branches_tags_and_commits_are_found() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        let sha = world.forge.commit(REPO, "feature/x", "dora", &[("a", "1\n")], "one\n").await?;
        let branch = world.read(&format!("repos/{REPO}/branches/feature%2Fx")).await?;
        let id = match dialect {
            Host::Github => &branch["commit"]["sha"],
            _ => &branch["commit"]["id"],
        };
        assert_eq!(id, sha.as_str());
        world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
        world.git("work", &["tag", "-a", "v1", "-m", "release", "origin/feature/x"]).await?;
        world.git("work", &["push", "--quiet", "origin", "v1"]).await?;
        let tag = world.git("work", &["rev-parse", "v1"]).await?;
        if dialect == Host::Github {
            let found = world.read(&format!("repos/{REPO}/git/ref/tags/v1")).await?;
            assert_eq!(found["object"]["type"], "tag");
            assert_eq!(found["object"]["sha"], tag);
            let object = world.read(&format!("repos/{REPO}/git/tags/{tag}")).await?;
            assert_eq!(
                (&object["object"]["type"], &object["object"]["sha"]),
                (&json!("commit"), &json!(sha))
            );
            let head = world.read(&format!("repos/{REPO}/git/ref/heads/feature/x")).await?;
            assert_eq!(head["object"]["sha"], sha.as_str());
            let commit = world.read(&format!("repos/{REPO}/commits/feature/x")).await?;
            assert_eq!((&commit["sha"], &commit["author"]["login"]), (&json!(sha), &json!("dora")));
            assert_eq!(world.get("", &format!("repos/{REPO}/commits/nothing")).await?.0, 422);
        } else {
            let found = world.read(&format!("repos/{REPO}/tags/v1")).await?;
            assert_eq!((&found["id"], &found["commit"]["sha"]), (&json!(tag), &json!(sha)));
            let head = world.read(&format!("repos/{REPO}/branches/feature/x")).await?;
            assert_eq!(head["commit"]["id"], sha.as_str());
        }
        assert_eq!(world.get("", &format!("repos/{REPO}/branches/nothing")).await?.0, 404);
    }
    Ok(())
}

#[tokio::test]
async fn comparisons_count_commits() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let root = world.forge.branch(REPO, "main")?;
    let topic = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let compare =
        async |base: &str, head: &str| world.read(&format!("repos/{REPO}/compare/{base}...{head}")).await;
    let counts = |body: &Value| (body["status"].clone(), body["ahead_by"].clone(), body["behind_by"].clone());
    assert_eq!(counts(&compare("main", "main").await?), (json!("identical"), json!(0), json!(0)));
    assert_eq!(counts(&compare(root.as_str(), topic.as_str()).await?), (json!("ahead"), json!(1), json!(0)));
    assert_eq!(counts(&compare(topic.as_str(), root.as_str()).await?), (json!("behind"), json!(0), json!(1)));
    world.forge.commit(REPO, "main", "acme", &[("b", "1\n")], "two").await?;
    let diverged = compare("main", "topic").await?;
    assert_eq!(counts(&diverged), (json!("diverged"), json!(1), json!(1)));
    assert_eq!(diverged["merge_base_commit"]["sha"], root.as_str());

    let world = World::new(Host::Gitea, false).await?;
    let root = world.forge.branch(REPO, "main")?;
    let topic = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let ahead = world.read(&format!("repos/{REPO}/compare/{root}...{topic}")).await?;
    assert_eq!((&ahead["total_commits"], &ahead["commits"][0]["sha"]), (&json!(1), &json!(topic)));
    let behind = world.read(&format!("repos/{REPO}/compare/{topic}...{root}")).await?;
    assert_eq!(behind["total_commits"], 0);
    Ok(())
}

#[tokio::test]
async fn editing_a_hook_replaces_the_secret_on_github_and_keeps_it_on_gitea() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        let mut sink = Sink::start(200).await?;
        let id = world.hook(&mut sink).await?;
        let path = format!("repos/{REPO}/hooks/{id}");
        let config = json!({ "url": sink.url, "content_type": "json", "secret": "new" });
        let (status, body) =
            world.call(Method::PATCH, &world.acme, &path, json!({ "config": config })).await?;
        assert_eq!(status, 200);
        assert!(!body.to_string().contains(SECRET), "a secret is never shown: {body}");
        let hook = world.forge.hooks(REPO)?.pop().context("the hook is there")?;
        if dialect == Host::Github {
            assert_eq!(hook.secret.as_deref(), Some("new"));
            assert_eq!(body["config"]["secret"], "********");
            let all = ["push", "pull_request", "pull_request_review", "issue_comment", "commit_comment"];
            assert_eq!(hook.events, all);
        } else {
            assert_eq!(hook.secret.as_deref(), Some(SECRET));
            assert_eq!(hook.events, ["push"], "events that were not named again are lost");
        }
        assert_eq!(world.call(Method::DELETE, &world.acme, &path, Value::Null).await?.0, 204);
        assert_eq!(world.get(&world.acme, &path).await?.0, 404);
    }
    Ok(())
}

#[tokio::test]
async fn lists_come_in_pages() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    for n in 0..3 {
        let config = json!({ "url": format!("http://127.0.0.1:9/{n}"), "content_type": "json" });
        let body = json!({ "type": "gitea", "config": config });
        world.call(Method::POST, &world.acme, &format!("repos/{REPO}/hooks"), body).await?;
    }
    let page = async |n: u8| world.read(&format!("repos/{REPO}/hooks?limit=2&page={n}")).await;
    let lengths = [page(1).await?, page(2).await?, page(3).await?].map(|page| page.as_array().map(Vec::len));
    assert_eq!(lengths, [Some(2), Some(1), Some(0)]);
    Ok(())
}

#[tokio::test]
async fn branches_tags_and_pull_requests_are_listed() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        let main = world.forge.branch(REPO, "main")?;
        let topic = world.forge.commit(REPO, "topic/a", "dora", &[("a", "1\n")], "one\n").await?;
        world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
        world.git("work", &["tag", "-a", "v1", "-m", "release", "origin/topic/a"]).await?;
        world.git("work", &["push", "--quiet", "origin", "v1"]).await?;
        let id = match dialect {
            Host::Github => "sha",
            _ => "id",
        };
        let branches = world.read(&format!("repos/{REPO}/branches")).await?;
        let found = [0, 1].map(|n| (branches[n]["name"].clone(), branches[n]["commit"][id].clone()));
        assert_eq!(found, [(json!("main"), json!(main)), (json!("topic/a"), json!(topic))]);
        let tags = world.read(&format!("repos/{REPO}/tags")).await?;
        assert_eq!((&tags[0]["name"], &tags[0]["commit"]["sha"]), (&json!("v1"), &json!(topic)));
        assert_eq!(tags.as_array().map(Vec::len), Some(1));

        for title in ["first", "second"] {
            world.forge.open_pull_request(REPO, "dora", "topic/a", "main", title).await?;
        }
        let oldest = match dialect {
            Host::Github => "sort=created&direction=asc",
            _ => "sort=oldest",
        };
        for (order, expected) in [(oldest, [1, 2]), ("state=open", [2, 1])] {
            let pulls = world.read(&format!("repos/{REPO}/pulls?{order}")).await?;
            assert_eq!([&pulls[0]["number"], &pulls[1]["number"]], expected.map(|n| json!(n)).each_ref());
        }
        world.forge.set_stack_base(REPO, 1, "main")?;
        let stack = &world.read(&format!("repos/{REPO}/pulls/1")).await?["stack"];
        match dialect {
            Host::Github => assert_eq!(stack["base"]["ref"], "main"),
            _ => assert!(stack.is_null()),
        }
    }
    Ok(())
}

#[tokio::test]
async fn comments_are_written_edited_and_reacted_to() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        let list = format!("repos/{REPO}/issues/{number}/comments");
        let body = json!({ "body": "hello" });
        assert_eq!(world.call(Method::POST, "", &list, body.clone()).await?.0, 401);
        let (status, comment) = world.call(Method::POST, &world.steve, &list, body).await?;
        assert_eq!((status, &comment["user"]["login"]), (201, &json!("steve")));
        let path = format!("repos/{REPO}/issues/comments/{}", comment["id"]);
        let edit = json!({ "body": "bye" });
        assert_eq!(world.call(Method::PATCH, &world.steve, &path, edit).await?.0, 200);
        assert_eq!(world.read(&path).await?["body"], "bye");
        let react = json!({ "content": "eyes" });
        for expected in [201, 200] {
            let path = format!("{path}/reactions");
            assert_eq!(world.call(Method::POST, &world.dora, &path, react.clone()).await?.0, expected);
        }
        let reactions = format!("{path}/reactions");
        let unknown = world.call(Method::POST, &world.dora, &reactions, json!({ "content": "ok" }));
        assert_eq!(unknown.await?.0, if dialect == Host::Github { 422 } else { 403 });
        assert_eq!(world.read(&list).await?.as_array().map(Vec::len), Some(1));
        for (since, expected) in [("2026-01-01T00:00:00Z", 1), ("2999-01-01T00:00:00Z", 0)] {
            let since = world.read(&format!("{list}?since={since}")).await?;
            assert_eq!(since.as_array().map(Vec::len), Some(expected));
        }
        assert_eq!(world.forge.comments(REPO, number)?[0].reactions.len(), 1);
        assert_eq!(world.read(&format!("repos/{REPO}/pulls?state=open")).await?[0]["number"], number);
    }
    Ok(())
}

#[tokio::test]
async fn an_installed_app_gets_a_token_that_works() -> Result<()> {
    let world = World::new(Host::Github, true).await?;
    let path = "app/installations/7/access_tokens";
    assert_eq!(world.call(Method::POST, "no-jwt", path, Value::Null).await?.0, 401);
    let (status, body) = world.call(Method::POST, "header.claims.signature", path, Value::Null).await?;
    assert_eq!(status, 201);
    let token = body["token"].as_str().context("a token")?;
    assert!(body["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(world.get(token, &format!("repos/{REPO}")).await?.0, 200);
    assert_eq!(world.get("header.claims.signature", &format!("repos/{REPO}")).await?.0, 401);
    Ok(())
}
