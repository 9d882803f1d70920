//! The paths that a source file names, found by its text. A small part of Rust's grammar: what `rustfmt` leaves.

use std::collections::BTreeSet;

/// A path, and the name that it has in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// Its parts, like `crate`, `a`, `B`.
    pub(super) names: Vec<String>,
    /// The last part, or what it is called by `as`.
    pub(super) name: String,
}

/// A source without comments, texts and tests.
pub(super) fn code(text: &str) -> String {
    without_tests(&without_texts(text))
}

/// Texts and characters become empty, comments a space.
fn without_texts(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    let starts = |at: usize, with: &str| with.chars().enumerate().all(|(i, c)| bytes.get(at + i) == Some(&c));
    while at < bytes.len() {
        if starts(at, "//") {
            while at < bytes.len() && bytes[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            while at < bytes.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if let Some(end) = raw_text_end(&bytes, at) {
            out.push_str("\"\"");
            at = end;
        } else if bytes[at] == '"' {
            at += 1;
            while at < bytes.len() && bytes[at] != '"' {
                at += if bytes[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
            out.push_str("\"\"");
        } else if bytes[at] == '\'' && (bytes.get(at + 1) == Some(&'\\') || bytes.get(at + 2) == Some(&'\''))
        {
            at += if bytes[at + 1] == '\\' { 3 } else { 2 };
            while at < bytes.len() && bytes[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Where `r"…"` or `r#"…"#` ends that begins here.
fn raw_text_end(text: &[char], at: usize) -> Option<usize> {
    let is_part = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_') && text[at - 1] != 'b';
    if text[at] != 'r' || is_part {
        return None;
    }
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let mut end = at + 2 + hashes;
    while end < text.len() {
        if text[end] == '"' && text[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some(end + 1 + hashes);
        }
        end += 1;
    }
    Some(text.len())
}

/// Leaves out items under `#[cfg(test)]` that have a body; a `mod` line of theirs stays.
fn without_tests(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let (line, body) = (after.find(';').unwrap_or(after.len()), after.find('{').unwrap_or(after.len()));
        if line < body {
            out.push_str("#[cfg(test)]");
            out.push_str(&after[..line]);
            rest = &after[line..];
        } else {
            let mut depth = 0_u32;
            let end = after.char_indices().find_map(|(at, c)| {
                depth = match c {
                    '{' => depth + 1,
                    '}' => depth.saturating_sub(1),
                    _ => depth,
                };
                (c == '}' && depth == 0).then_some(at + 1)
            });
            rest = &after[end.unwrap_or(after.len())..];
        }
    }
    out + rest
}

/// The modules that are declared for tests alone.
pub(super) fn test_modules(code: &str) -> Vec<String> {
    let after = code.split("#[cfg(test)]").skip(1);
    let declared = after.filter_map(|after| {
        let line = after.split(';').next()?;
        let mut words = line.split_whitespace().skip_while(|word| *word != "mod");
        (words.next() == Some("mod")).then(|| words.next())?.map(str::to_owned)
    });
    declared.collect()
}

/// The paths of the `use` lines, each with whether it is a re-export, and what remains of the code.
pub(super) fn uses(code: &str) -> (Vec<(Path, bool)>, String) {
    let (mut found, mut rest, mut remaining) = (Vec::new(), String::new(), code);
    while let Some(at) = next_use(remaining) {
        let line = &remaining[..at];
        let is_public = line.trim_end().ends_with("pub") || line.trim_end().ends_with(')');
        rest.push_str(line);
        let (tree, after) = remaining[at + 3..].split_once(';').unwrap_or((&remaining[at + 3..], ""));
        let mut paths = Vec::new();
        expand(tree.trim(), &[], &mut paths);
        found.extend(paths.into_iter().map(|path| (path, is_public)));
        remaining = after;
    }
    rest.push_str(remaining);
    (found, rest)
}

/// Where the next `use` begins as a word at the start of an item, `use<…>` aside.
fn next_use(code: &str) -> Option<usize> {
    code.match_indices("use").map(|(at, _)| at).find(|at| {
        let before = code[..*at].trim_end();
        let is_start = code[..*at].ends_with([' ', '\n']) || *at == 0;
        let is_item =
            before.is_empty() || before.ends_with([';', '}', '{', ']', ')']) || before.ends_with("pub");
        is_start && is_item && code[at + 3..].starts_with([' ', '\n'])
    })
}

fn expand(tree: &str, before: &[String], paths: &mut Vec<Path>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let names = before.iter().cloned().chain(parts(head)).collect::<Vec<_>>();
        let group = group.strip_suffix('}').unwrap_or(group);
        for part in split(group) {
            expand(part, &names, paths);
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut names = before.iter().cloned().chain(parts(path)).collect::<Vec<_>>();
        if names.len() > 1 && names.last().is_some_and(|name| name == "self" || name == "*") {
            names.pop();
        }
        let name =
            alias.map(str::trim).map(str::to_owned).or_else(|| names.last().cloned()).unwrap_or_default();
        paths.push(Path { names, name });
    }
}

fn parts(path: &str) -> impl Iterator<Item = String> {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// The parts of a group, at its commas outside of inner groups.
fn split(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}

/// The paths of at least two parts in the code.
pub(super) fn inline(code: &str) -> Vec<Path> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let pieces = code.split(|c: char| !(is_word(c) || c == ':'));
    let paths = pieces.filter(|piece| piece.contains("::")).filter_map(|piece| {
        let names: Vec<_> = parts(piece).collect();
        let name = names.last()?.clone();
        Some(Path { names, name })
    });
    paths.collect()
}

/// Every word of the code.
pub(super) fn words(code: &str) -> BTreeSet<&str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}
