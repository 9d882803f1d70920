//! Lists: filtered by `q`, sorted by `sort`, in pages.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>,
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>

use std::cmp::Ordering;

use anyhow::Context as _;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};

use crate::server::{Call, Refusal};

/// A list of commits continues from a commit: it has no size, and no client can build the links itself.
const ENDLESS: &str = "commits";

pub(super) fn page(call: &Call<'_>, mut items: Vec<Value>) -> Result<Value, Refusal> {
    let kind = call.segments.last().copied().unwrap_or_default();
    if let Some(query) = call.query.get("q") {
        let tests = query.split(" AND ").map(Test::parse).collect::<Result<Vec<_>, _>>()?;
        items.retain(|item| tests.iter().all(|test| test.passes(item)));
    }
    if let Some(sort) = call.query.get("sort") {
        let field = sort.trim_start_matches('-');
        items.sort_by(|a, b| order(get(a, field), get(b, field)).unwrap_or(Ordering::Equal));
        if sort.starts_with('-') {
            items.reverse();
        }
    }
    let number = |name: &str, default: usize, most: usize| {
        let given = call.query.get(name).map_or(Some(default), |text| text.parse().ok());
        let fits = given.filter(|number| (1..=most).contains(number));
        fits.ok_or_else(|| Refusal::new(400, format!("Invalid {name}")))
    };
    // https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/1182
    let most = if kind == "pullrequests" { 50 } else { 100 };
    let (page, pagelen) = (number("page", 1, usize::MAX)?, number("pagelen", 10, most)?);
    let size = items.len();
    let end = page.saturating_mul(pagelen);
    let values: Vec<_> = items.into_iter().take(end).skip(end - pagelen).collect();
    let mut body = json!({ "pagelen": pagelen, "values": values });
    if kind != ENDLESS {
        body["page"] = json!(page);
        body["size"] = json!(size);
    }
    if size > end {
        let here = format!("{}{}/{}", call.forge.url(), call.root, call.segments.join("/"));
        let mut next = Url::parse(&here).context("the route is a URL")?;
        let others = call.query.iter().filter(|(name, _)| *name != "page");
        next.query_pairs_mut().extend_pairs(others).append_pair("page", &(page + 1).to_string());
        body["next"] = json!(next.as_str());
    }
    Ok(body)
}

/// One comparison of a query, such as `user.uuid = "{…}"`: a field, how it has to stand to a value, and the value.
struct Test(String, &'static [Ordering], Value);

impl Test {
    /// 501 for what nobody needed so far: `OR`, parentheses and parts of texts.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(501, format!("the sandbox forge does not understand the query {text}"));
        let operators: [(&str, &[Ordering]); 6] = [
            ("!=", &[Ordering::Less, Ordering::Greater]),
            (">=", &[Ordering::Greater, Ordering::Equal]),
            ("<=", &[Ordering::Less, Ordering::Equal]),
            ("=", &[Ordering::Equal]),
            (">", &[Ordering::Greater]),
            ("<", &[Ordering::Less]),
        ];
        let at = text.find(['!', '>', '<', '=']).ok_or_else(unknown)?;
        let found =
            operators.into_iter().find_map(|(sign, orders)| Some((text[at..].strip_prefix(sign)?, orders)));
        let ((value, orders), field) = (found.ok_or_else(unknown)?, text[..at].trim());
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '.' || letter == '_';
        if field.is_empty() || !field.chars().all(is_name) {
            return Err(unknown());
        }
        // A time has no quotes.
        let time = value.trim().parse::<Timestamp>().ok().map(|_| json!(value.trim()));
        let value = time.map_or_else(|| serde_json::from_str(value).map_err(|_| unknown()), Ok)?;
        Ok(Self(field.to_owned(), orders, value))
    }

    fn passes(&self, item: &Value) -> bool {
        order(get(item, &self.0), &self.2).is_some_and(|order| self.1.contains(&order))
    }
}

fn get<'a>(item: &'a Value, field: &str) -> &'a Value {
    field.split('.').fold(item, |value, name| &value[name])
}

/// Permissions by their rank, times by the clock, numbers and texts as usual.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
        return Some(a.cmp(&b));
    }
    let (Some(a), Some(b)) = (a.as_str(), b.as_str()) else {
        return (a == b).then_some(Ordering::Equal);
    };
    if let (Ok(a), Ok(b)) = (a.parse::<Timestamp>(), b.parse::<Timestamp>()) {
        return Some(a.cmp(&b));
    }
    let rank = |name: &str| ["none", "read", "write", "admin"].iter().position(|known| *known == name);
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => Some(a.cmp(b)),
    }
}
