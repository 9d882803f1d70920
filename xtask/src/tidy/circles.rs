//! Circles between the modules of a crate: siblings, or a module and its child, that need each other.
//!
//! A module needs what its paths name: those of its `use` lines, and those in its code that begin with `crate`, `super`, `self` or
//! a child. `mod` lines need nothing, nor does a re-export that the module doesn't use itself: who names it needs what it stands
//! for. Tests may need anything.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{self, Path};

/// A module by its names from the crate's root, which is empty.
type Module = Vec<String>;

/// One source file of a crate.
pub(super) struct Source {
    /// Its path below `src`.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// The circles of a crate, each as the path of the parent and how its members need each other. `.` is the parent itself.
pub(super) fn find(sources: &[Source]) -> Vec<(String, String)> {
    let mut files = BTreeMap::new();
    let mut tests = BTreeSet::new();
    for source in sources {
        let Some(module) = module_of(&source.path) else { continue };
        let text = paths::code(&source.text);
        tests.extend(paths::test_modules(&text).into_iter().map(|name| child(&module, &name)));
        files.insert(module, text);
    }
    files.retain(|module, _| !(0..=module.len()).any(|end| tests.contains(&module[..end])));
    let names: BTreeMap<Module, File> =
        files.iter().map(|(module, text)| (module.clone(), File::read(text))).collect();
    let tree = Tree(&names);
    let mut levels: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (module, file) in &names {
        for path in file.needed() {
            let Some(target) = tree.resolve(module, path, 8).filter(|target| target != module) else {
                continue;
            };
            let shared = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
            let node = |of: &Module| of.get(shared).cloned().unwrap_or_else(|| ".".to_owned());
            let level = levels.entry(module[..shared].to_vec()).or_default();
            level.entry(node(module)).or_default().insert(node(&target));
        }
    }
    let circles = levels.iter().flat_map(|(parent, needs)| {
        let parent = parent.join("::");
        circles(needs).into_iter().map(move |circle| (parent.clone(), circle))
    });
    circles.collect()
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`. `None` for tests, and for programs beside the library.
fn module_of(path: &str) -> Option<Module> {
    let path = path.strip_suffix(".rs")?;
    let mut names: Module = path.split('/').map(str::to_owned).collect();
    if names.first().is_some_and(|name| name == "bin") || names.iter().any(|name| name == "tests") {
        return None;
    }
    let last = names.last()?.as_str();
    if last == "mod" || names.len() == 1 && (last == "lib" || last == "main") {
        names.pop();
    }
    Some(names)
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The paths of a file.
struct File {
    /// Of `use` lines, and whether they are re-exports that the file doesn't use itself.
    uses: Vec<(Path, bool)>,
    /// In the code.
    inline: Vec<Path>,
}

impl File {
    fn read(text: &str) -> Self {
        let (uses, rest) = paths::uses(text);
        let words = paths::words(&rest);
        let uses = uses.into_iter().map(|(path, is_public)| {
            let is_facade = is_public && !words.contains(path.name.as_str());
            (path, is_facade)
        });
        Self { uses: uses.collect(), inline: paths::inline(&rest) }
    }

    fn needed(&self) -> impl Iterator<Item = &Path> {
        self.uses.iter().filter(|(_, is_facade)| !is_facade).map(|(path, _)| path).chain(&self.inline)
    }
}

struct Tree<'a>(&'a BTreeMap<Module, File>);

impl Tree<'_> {
    /// The module that a path of `from` leads to; `None` for what is not of this crate.
    fn resolve(&self, from: &[String], path: &Path, depth: u8) -> Option<Module> {
        let mut names = path.names.as_slice();
        let mut module = from.to_vec();
        match names.first()?.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => drop(module.pop()),
            first if self.0.contains_key(&child(from, first)) => module.push(first.to_owned()),
            _ => return None,
        }
        names = &names[1..];
        while let Some((first, rest)) = names.split_first() {
            if first == "super" {
                module.pop();
            } else if self.0.contains_key(&child(&module, first)) {
                module.push(first.clone());
            } else if let Some(other) = self.exported(&module, first, depth) {
                return Some(other);
            } else {
                break;
            }
            names = rest;
        }
        Some(module)
    }

    /// The module where something lies that a module only gives another name.
    fn exported(&self, module: &[String], name: &str, depth: u8) -> Option<Module> {
        let uses = &self.0.get(module)?.uses;
        let (path, _) = uses.iter().find(|(path, _)| path.name == name)?;
        if depth == 0 { None } else { self.resolve(module, path, depth - 1) }
    }
}

/// The circles of a graph, one text for each group that can reach itself.
fn circles(needs: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reach = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(node) = next.pop() {
            for needed in needs.get(node).into_iter().flatten() {
                if seen.insert(needed.clone()) {
                    next.push(needed);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = needs.keys().map(|node| (node, reach(node))).collect();
    let mut groups = BTreeSet::new();
    for (node, of_node) in &reached {
        let is_in = |other: &&String| reached.get(other).is_some_and(|back| back.contains(*node));
        let group: BTreeSet<&String> = of_node.iter().filter(is_in).collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    let text = |group: BTreeSet<&String>| {
        let arrows = group.iter().filter_map(|node| {
            let needed: Vec<_> =
                needs[*node].iter().filter(|needed| group.contains(needed)).cloned().collect();
            (!needed.is_empty()).then(|| format!("{node} needs {}", needed.join(", ")))
        });
        arrows.collect::<Vec<_>>().join("; ")
    };
    groups.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests;
