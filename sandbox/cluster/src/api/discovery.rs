//! Discovery: which groups and kinds there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::served::{Resource, Verb};

/// The answer to a GET of a discovery address; `None` for any other path.
pub(crate) fn answer(path: &str) -> Option<Value> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "34", "gitVersion": "v1.34.0+tidegate-sandbox", "platform": "sandbox",
        })),
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => {
            let groups: Vec<Value> =
                groups().into_iter().map(|(name, version)| group(name, version)).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", name] => groups().into_iter().find(|(group, _)| group == name).map(|(name, version)| {
            let mut group = group(name, version);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            group
        }),
        ["apis", group, version] => resources(group, version),
        _ => None,
    }
}

fn groups() -> BTreeSet<(&'static str, &'static str)> {
    Resource::ALL
        .into_iter()
        .map(|resource| (resource.row().group, resource.row().version))
        .filter(|(group, _)| !group.is_empty())
        .collect()
}

fn group(name: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let mut group_version = None;
    let mut list = Vec::new();
    for row in Resource::ALL
        .into_iter()
        .map(Resource::row)
        .filter(|row| (row.group, row.version) == (group, version))
    {
        let verbs: Vec<&str> = row.verbs.iter().copied().map(Verb::as_str).collect();
        list.push(json!({
            "name": row.plural, "singularName": row.kind.to_lowercase(), "namespaced": row.namespaced,
            "kind": row.kind, "verbs": verbs, "shortNames": row.short_names,
        }));
        if row.status {
            list.push(json!({
                "name": format!("{}/status", row.plural), "singularName": "", "namespaced": row.namespaced,
                "kind": row.kind, "verbs": ["get", "patch", "update"],
            }));
        }
        group_version = Some(row.api_version());
    }
    let group_version = group_version?;
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list}),
    )
}
