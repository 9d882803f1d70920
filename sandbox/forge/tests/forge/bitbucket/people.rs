//! Tokens, accounts and permissions.

use anyhow::{Context, Result};
use serde_json::json;
use tidegate_model::{AccountKind, Host, Permission};

use crate::{
    bitbucket::{ROUTE, ask_as, message, world},
    world::{REPO, World},
};

#[tokio::test]
async fn an_access_token_is_a_bearer_and_an_api_token_the_password_of_an_address() -> Result<()> {
    let world = World::new(Host::Bitbucket, true).await?;
    let (email, api_token) = world.forge.api_token("dora")?;
    assert!(world.dora.starts_with("ATCT") && api_token.starts_with("ATAT"));
    let url = format!("{}/{ROUTE}/hooks", world.forge.api_url());
    // 403: known, but no administrator.
    for (name, token, expected) in [
        (None, &world.dora, 403),
        (None, &api_token, 401),
        (Some(email.as_str()), &api_token, 403),
        (Some("dora"), &api_token, 401),
        (Some("x-token-auth"), &world.dora, 401),
    ] {
        let request = world.client.get(&url);
        let request = match name {
            Some(name) => request.basic_auth(name, Some(token)),
            None => request.bearer_auth(token),
        };
        assert_eq!(request.send().await?.status(), expected, "{name:?} {token}");
    }
    let git = async |name: &str, token: &str| {
        let url = world.forge.git_url(REPO).replace("://", &format!("://{name}:{token}@"));
        world.git(".", &["ls-remote", &url]).await.is_ok()
    };
    for (name, token, expected) in [
        ("x-token-auth", &world.dora, true),
        ("x-bitbucket-api-token-auth", &api_token, true),
        ("dora", &api_token, true),
        ("x-token-auth", &api_token, false),
        ("x-bitbucket-api-token-auth", &world.dora, false),
    ] {
        assert_eq!(git(name, token).await, expected, "{name} {token}");
    }
    Ok(())
}

#[tokio::test]
async fn only_a_person_may_ask_who_it_is() -> Result<()> {
    let world = world().await?;
    let (status, user) = ask_as(&world, "dora", "user").await?;
    assert_eq!((status, &user["type"], &user["username"]), (200, &json!("user"), &json!("dora")));
    let uuid = user["uuid"].as_str().context("a UUID")?;
    assert!(uuid.starts_with('{') && uuid.ends_with('}') && uuid.len() == 38, "{uuid}");
    assert!(user["display_name"].as_str().is_some_and(|name| name.contains(' ') && name != "dora"));
    assert!(user["account_id"].is_string() && user["nickname"] != "dora");
    let (status, body) = world.get(&world.dora, "user").await?;
    assert_eq!(status, 403);
    assert!(message(&body).contains("not accessible by this authentication mechanism"), "{body}");
    assert_eq!(world.get("", "user").await?.0, 401);
    world.forge.set_kind("dora", AccountKind::Bot)?;
    let token = ask_as(&world, "dora", "user").await?.1;
    assert_eq!(
        (&token["type"], token.get("nickname")),
        (&json!("app_user"), None),
        "as an access token acts"
    );
    Ok(())
}

#[tokio::test]
async fn a_workspace_is_no_user_unless_it_is_the_own_one_of_a_person() -> Result<()> {
    let world = world().await?;
    let shop = world.read(ROUTE).await?;
    let acme = ask_as(&world, "acme", "user").await?.1;
    assert_eq!((&shop["full_name"], &shop["owner"]["type"]), (&json!(REPO), &json!("team")));
    assert_eq!(shop["workspace"]["uuid"], shop["owner"]["uuid"]);
    assert_ne!(shop["workspace"]["uuid"], acme["uuid"]);
    assert_eq!((&shop["parent"], &shop["workspace"]["slug"]), (&json!(null), &json!("acme")));
    world.forge.fork(REPO, "steve").await?;
    let fork = world.read("repositories/steve/shop").await?;
    let steve = ask_as(&world, "steve", "user").await?.1;
    assert_eq!(fork["parent"]["uuid"], shop["uuid"]);
    assert_eq!((&fork["owner"]["uuid"], &fork["workspace"]["uuid"]), (&steve["uuid"], &steve["uuid"]));
    Ok(())
}

#[tokio::test]
async fn administrators_read_effective_and_granted_permissions() -> Result<()> {
    let world = world().await?;
    world.forge.set_kind("team", AccountKind::Organisation)?;
    world.forge.create_user("tess");
    world.forge.create_team("acme", "coders", Permission::Write, &["tess"]);
    let effective = "workspaces/acme/permissions/repositories/shop";
    let uuid = async |login: &str| {
        let user = ask_as(&world, login, "user").await?.1;
        Ok::<_, anyhow::Error>(user["uuid"].as_str().context("a UUID")?.to_owned())
    };
    for (login, permission, granted) in [
        ("acme", Some("admin"), "none"),
        ("dora", Some("write"), "write"),
        ("tess", Some("write"), "none"),
        ("steve", None, "none"),
    ] {
        let uuid = uuid(login).await?;
        let list = world.read(&format!("{effective}?q=user.uuid%3D%22{uuid}%22")).await?;
        assert_eq!(list["values"][0]["permission"].as_str(), permission, "{login}: {list}");
        assert_eq!(list["size"], json!(usize::from(permission.is_some())));
        let path = format!("{ROUTE}/permissions-config/users/{uuid}");
        let one = world.read(&path).await?;
        assert_eq!((&one["permission"], &one["user"]["uuid"]), (&json!(granted), &json!(uuid)), "{login}");
        assert_eq!(world.get(&world.dora, &path).await?.0, 403);
    }
    let writers = world.read(&format!("{effective}?q=permission%3E%22read%22")).await?;
    assert_eq!(writers["size"], 3);
    assert_eq!(world.get(&world.dora, effective).await?.0, 403);
    assert_eq!(world.get(&world.acme, &format!("{ROUTE}/permissions-config/users/%7Bx%7D")).await?.0, 404);
    Ok(())
}
