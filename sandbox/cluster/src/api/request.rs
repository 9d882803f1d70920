//! What a request asks for.

use http::{Method, Uri};

use super::{
    failure::Failure,
    selector::Filter,
    served::{Key, Resource, Verb},
};

/// A request that the table allows.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) resource: Resource,
    /// Empty for objects of the cluster, and for a list over all namespaces.
    pub(crate) namespace: String,
    /// Empty for a collection.
    pub(crate) name: String,
    /// Whether it is about the status alone.
    pub(crate) status: bool,
    pub(crate) query: Query,
}

/// The parameters that count.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    pub(crate) resource_version: String,
    pub(crate) bookmarks: bool,
    pub(crate) send_initial_events: bool,
    pub(crate) timeout_seconds: Option<u64>,
    /// How many objects one page of a list holds at most.
    pub(crate) limit: usize,
    /// The version that the pages of a list show, and the object that the page before ended with.
    pub(crate) after: Option<(u64, String, String)>,
}

impl Request {
    /// Verb and resource, like `patch integrationjobs/status`.
    pub(crate) fn describe(&self) -> String {
        let subresource = if self.status { "/status" } else { "" };
        format!("{} {}{subresource}", self.verb.as_str(), self.resource.row().plural)
    }

    /// Reads a request's method and address.
    pub(crate) fn parse(method: &Method, uri: &Uri) -> Result<Self, Failure> {
        let path = uri.path();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Failure::not_served(&format!("{method} {path}"))),
        };
        // "namespaces" is a kind, and the prefix of all namespaced kinds.
        let (namespace, rest) = match rest {
            ["namespaces", namespace, inner @ ..] if !matches!(inner, [] | ["status" | "finalize"]) => {
                (*namespace, inner)
            }
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", None),
            [plural, name] => (*plural, *name, None),
            [plural, name, subresource] => (*plural, *name, Some(*subresource)),
            _ => return Err(Failure::not_served(&format!("{method} {path}"))),
        };

        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect();
        let parameter = |wanted: &str| {
            pairs.iter().find(|(key, _)| key == wanted).map_or("", |(_, value)| value.as_str())
        };
        let flag = |wanted: &str| matches!(parameter(wanted), "true" | "1");

        let verb = match (method.as_str(), name.is_empty()) {
            ("GET", false) => Verb::Get,
            ("GET", true) if flag("watch") => Verb::Watch,
            ("GET", true) => Verb::List,
            ("POST", true) => Verb::Create,
            ("PUT", false) => Verb::Update,
            ("PATCH", false) => Verb::Patch,
            ("DELETE", false) => Verb::Delete,
            ("DELETE", true) => Verb::DeleteCollection,
            _ => return Err(Failure::not_served(&format!("{method} {path}"))),
        };
        let unserved = || {
            let what = subresource.map_or_else(|| plural.to_owned(), |sub| format!("{plural}/{sub}"));
            Failure::not_served(&format!("verb {} of {what} in {group}/{version}", verb.as_str()))
        };
        let resource = Resource::find(group, version, plural).ok_or_else(unserved)?;
        let row = resource.row();
        let status = match subresource {
            None => false,
            Some("status") if row.status && matches!(verb, Verb::Get | Verb::Update | Verb::Patch) => true,
            Some(_) => return Err(unserved()),
        };
        let across_namespaces = matches!(verb, Verb::List | Verb::Watch);
        if !row.verbs.contains(&verb) || (row.namespaced && namespace.is_empty() && !across_namespaces) {
            return Err(unserved());
        }
        if !parameter("dryRun").is_empty() {
            return Err(Failure::not_served("dryRun"));
        }
        Ok(Self {
            verb,
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            status,
            query: Query {
                filter: Filter::parse(parameter("labelSelector"), parameter("fieldSelector"))?,
                resource_version: parameter("resourceVersion").to_owned(),
                bookmarks: flag("allowWatchBookmarks"),
                send_initial_events: flag("sendInitialEvents"),
                timeout_seconds: parameter("timeoutSeconds").parse().ok(),
                limit: parameter("limit").parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX),
                after: serde_json::from_str(parameter("continue")).ok(),
            },
        })
    }

    /// The object that is named.
    pub(crate) fn key(&self) -> Key {
        Key::new(self.resource, self.namespace.as_str(), self.name.as_str())
    }
}
