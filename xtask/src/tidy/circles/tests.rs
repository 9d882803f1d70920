use super::*;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let source = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
    let sources: Vec<_> = files.iter().map(source).collect();
    find(&sources).into_iter().map(|(parent, circle)| format!("[{parent}] {circle}")).collect()
}

#[test]
fn siblings_that_need_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::b::B;\npub struct A;"),
        ("b/mod.rs", "use super::c;"),
        ("c.rs", "fn f() {\n    crate::a::g()\n}"),
    ];
    assert_eq!(found(&files), ["[] a needs b; b needs c; c needs a"]);
    let mut open = files;
    open[3].1 = "fn f() {}";
    assert_eq!(found(&open), [""; 0]);
}

#[test]
fn a_child_that_needs_its_parent_is_a_circle_where_the_parent_needs_it() {
    let child = ("a/x.rs", "use super::Type;");
    let needs = [("lib.rs", "mod a;"), ("a.rs", "mod x;\nuse x::f;\npub struct Type;"), child];
    assert_eq!(found(&needs), ["[a] . needs x; x needs ."]);
    let declares = [("lib.rs", "mod a;"), ("a.rs", "mod x;\npub struct Type;"), child];
    assert_eq!(found(&declares), [""; 0], "a mod line needs nothing");
}

#[test]
fn a_circle_is_found_below_the_modules_that_it_crosses() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod x;\nmod y;"),
        ("a/x/deep.rs", "use crate::a::y::{self, Y};"),
        ("a/x.rs", "mod deep;"),
        ("a/y.rs", "use super::x::{\n    Other,\n    X as Known,\n};"),
    ];
    assert_eq!(found(&files), ["[a] x needs y; y needs x"]);
}

#[test]
fn a_re_export_stands_for_what_it_names() {
    let files =
        [("lib.rs", "mod a;\nmod b;\npub use a::A;"), ("a.rs", "pub struct A;"), ("b.rs", "use crate::A;")];
    assert_eq!(found(&files), [""; 0]);
    let circle = [files[0], ("a.rs", "use crate::b::B;\npub struct A;"), files[2]];
    assert_eq!(found(&circle), ["[] a needs b; b needs a"]);
}

#[test]
fn tests_comments_and_texts_need_nothing() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod fixture;"),
        (
            "a.rs",
            "//! crate::b::B\nfn f() -> &'static str { \"crate::b::B\" }\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
        ),
        ("b.rs", "use crate::a::A;"),
        ("a/tests.rs", "use crate::b::B;"),
        ("fixture.rs", "use crate::a::A;"),
    ];
    assert_eq!(found(&files), [""; 0]);
}
