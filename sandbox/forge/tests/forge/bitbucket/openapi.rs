//! The routes beside Bitbucket's API description, where that is on the machine: it is no part of this repository.

#![expect(clippy::print_stdout, reason = "a reader wants the table of routes")]

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::{
    bitbucket::{EVENTS, ROUTE, ask_as, world},
    world::REPO,
};

/// What lists take everywhere: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>.
const OF_LISTS: [&str; 4] = ["page", "pagelen", "q", "sort"];

fn specification() -> Option<PathBuf> {
    let folders = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = "shared/specs/bitbucket-cloud.json";
    folders.ancestors().map(|folder| folder.join(file)).find(|file| file.is_file())
}

/// The description of a route, and its template.
fn operation<'a>(spec: &'a Value, method: &Method, path: &str) -> Option<(&'a Value, &'a str)> {
    let is_it = |template: &str| {
        let (wanted, given): (Vec<_>, Vec<_>) =
            (template[1..].split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(given).all(|(wanted, given)| wanted.starts_with('{') || *wanted == given)
    };
    let (template, routes) = spec["paths"].as_object()?.iter().find(|(template, _)| is_it(template))?;
    Some((routes.get(method.as_str().to_lowercase())?, template))
}

/// The schemas that the description forgets.
fn missing(method: &Method, template: &str, is_sent: bool) -> Option<Value> {
    let route = template.strip_prefix("/repositories/{workspace}/{repo_slug}/")?;
    let name = match (method.as_str(), route, is_sent) {
        ("POST", "hooks", true) | ("PUT", "hooks/{uid}", true) => "webhook_subscription",
        ("POST", "commit/{commit}/comments", false) => "commit_comment",
        ("GET", "pullrequests/{pull_request_id}/commits", false) => "paginated_changeset",
        _ => return None,
    };
    Some(json!({ "$ref": format!("#/components/schemas/{name}") }))
}

/// Where a value is not as its schema says. Bitbucket writes `null` for what there is not, and fields that no schema names.
fn differences(spec: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return differences(spec, spec.pointer(&name[1..]).unwrap_or(&Value::Null), value, path, found);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        differences(spec, part, value, path, found);
    }
    if value.is_null() {
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    } && match (schema["format"].as_str(), value.as_str()) {
        (Some("date-time"), Some(text)) => text.parse::<Timestamp>().is_ok(),
        (Some("uri"), Some(text)) => Url::parse(text).is_ok(),
        _ => true,
    } && schema["enum"].as_array().is_none_or(|names| names.contains(value));
    if !fits {
        found.push(format!("{path} is {value}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{path}/{name} is missing"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        differences(spec, schema, &value[name], &format!("{path}/{name}"), found);
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        differences(spec, &schema["items"], item, &format!("{path}/{n}"), found);
    }
}

#[tokio::test]
async fn every_route_answers_as_the_openapi_of_bitbucket_says() -> Result<()> {
    let Some(file) = specification() else {
        println!("skipped: ../shared/specs/bitbucket-cloud.json is not here, so the routes are unchecked");
        return Ok(());
    };
    let spec: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let world = world().await?;
    let fork = world.forge.fork(REPO, "steve").await?;
    let sha = world.forge.commit(fork.as_str(), "topic", "steve", &[("a", "1\n")], "one").await?;
    world.forge.open_pull_request(REPO, "steve", "steve:topic", "main", "A change").await?;
    let main = world.forge.branch(REPO, "main")?;
    world.forge.push_tag(REPO, "v1", &main, "acme").await?;
    let comment = world.forge.comment(REPO, 1, "dora", "/test")?;
    let remark = world.forge.comment_on_commit(REPO, &main, "dora", "/test")?;
    let uuid = ask_as(&world, "dora", "user").await?.1["uuid"].as_str().context("a UUID")?.to_owned();
    let text = json!({ "type": "comment", "content": { "raw": "hello" } });
    let hook = json!({ "type": "webhook_subscription", "url": "http://127.0.0.1:9/", "events": EVENTS, "secret": "s", "active": true });
    let status = json!({ "type": "build", "key": "k", "state": "FAILED", "url": "http://127.0.0.1/" });
    let get = |path: String| (Method::GET, path, Value::Null);
    let commit = format!("{ROUTE}/commit/{main}");
    let calls = [
        get("user".to_owned()),
        get(ROUTE.to_owned()),
        get(format!("repositories/{fork}")),
        get("workspaces/acme/permissions/repositories/shop?q=permission%3E%22read%22".to_owned()),
        get(format!("{ROUTE}/permissions-config/users/{uuid}")),
        get(format!("{ROUTE}/pullrequests?state=OPEN&sort=id&pagelen=50")),
        get(format!("{ROUTE}/pullrequests/1")),
        get(format!("{ROUTE}/pullrequests/1/commits?pagelen=1")),
        get(format!("{ROUTE}/pullrequests/1/comments?q=updated_on%3E2026-01-01T00:00:00Z")),
        get(format!("{ROUTE}/pullrequests/1/comments/{comment}")),
        (Method::POST, format!("{ROUTE}/pullrequests/1/comments"), text.clone()),
        get(commit.clone()),
        get(format!("repositories/{fork}/commit/{sha}")),
        get(format!("{commit}/comments")),
        get(format!("{commit}/comments/{remark}")),
        (Method::POST, format!("{commit}/comments"), text),
        (Method::POST, format!("{commit}/statuses/build"), status),
        get(format!("{commit}/statuses")),
        get(format!("{ROUTE}/commits?include={main}&exclude=v1")),
        get(format!("{ROUTE}/merge-base/{main}..v1")),
        get(format!("{ROUTE}/refs/branches")),
        get(format!("{ROUTE}/refs/branches/main")),
        get(format!("{ROUTE}/refs/tags")),
        get(format!("{ROUTE}/refs/tags/v1")),
        (Method::POST, format!("{ROUTE}/hooks"), hook.clone()),
        get(format!("{ROUTE}/hooks")),
        get(format!("{ROUTE}/hooks/HOOK")),
        (Method::PUT, format!("{ROUTE}/hooks/HOOK"), hook),
        (Method::DELETE, format!("{ROUTE}/hooks/HOOK"), Value::Null),
        get(format!("{ROUTE}/pullrequests/7")),
        get(format!("{ROUTE}/hooks/%7Bx%7D")),
    ];
    let (mut found, mut hook) = (Vec::new(), String::new());
    for (method, path, body) in calls {
        let path = path.replace("HOOK", &hook);
        let (route, query) = path.split_once('?').unwrap_or((&path, ""));
        let (operation, template) =
            operation(&spec, &method, route).with_context(|| format!("{method} {route} is no route"))?;
        let is_known = |name: &str| {
            OF_LISTS.contains(&name)
                || operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name))
                // In the text alone.
                || operation["description"].as_str().is_some_and(|text| text.contains(&format!("{name}=")))
        };
        for name in query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name) {
            ensure!(is_known(name), "{method} {template} takes no {name}");
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = &missing(&method, template, true).unwrap_or_else(|| schema.clone());
        differences(&spec, schema, &body, &format!("{method} {template} (sent)"), &mut found);
        let (status, answer) = match route {
            "user" => ask_as(&world, "acme", "user").await?,
            _ => world.call(method.clone(), &world.acme, &path, body).await?,
        };
        let response = &operation["responses"][status.to_string()];
        ensure!(response.is_object(), "{method} {template}: {status} is not described: {answer}");
        let schema = &response["content"]["application/json"]["schema"];
        let schema = &missing(&method, template, false).unwrap_or_else(|| schema.clone());
        differences(&spec, schema, &answer, &format!("{method} {template}"), &mut found);
        let checked = if schema.is_null() { "no schema" } else { "checked" };
        println!("{status} {method:6} {template}: {checked}");
        if method == Method::POST && template.ends_with("/hooks") {
            answer["uuid"].as_str().context("a UUID")?.clone_into(&mut hook);
        }
    }
    assert_eq!(found, Vec::<String>::new());
    Ok(())
}
