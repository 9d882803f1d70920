use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(cases: &[(&str, &[&str])]) {
    for (body, expected) in cases {
        assert_eq!(plain_lines(body), *expected, "{body:?}");
        // Line ends are no matter.
        for end in ["\r\n", "\r"] {
            assert_eq!(plain_lines(&body.replace('\n', end)), *expected, "{body:?} with {end:?}");
        }
    }
}

#[test]
fn lines_of_a_paragraph_count() {
    check(&[
        ("/test", &["/test"]),
        ("/test unit\n", &["/test unit"]),
        ("Please\n/test\nthank you", &["/test"]),
        ("a\n\n/test\n\n/retest\n/cancel", &["/test", "/retest", "/cancel"]),
        ("/test  \n/retest\\\n/cancel", &["/test", "/retest", "/cancel"]),
        (" /test\n  /retest\n   /cancel", &["/test", "/retest", "/cancel"]),
        ("/foo\n//bar\n/ x", &["/foo", "//bar", "/ x"]),
        ("# Title\n/test", &["/test"]),
        ("---\n/test", &["/test"]),
        ("**Note**\n/test", &["/test"]),
        ("<!-- a -->\n/test", &["/test"]),
        ("```\ncode\n```\n/test", &["/test"]),
        ("~~~\n~~~\n/test", &["/test"]),
        ("```inline``` code\n/test", &["/test"]),
        ("``\n/test", &["/test"]),
        ("> quote\n\n/test", &["/test"]),
        ("- item\n\n/test", &["/test"]),
        ("| a |\n|---|\n| b |\n\n/test", &["/test"]),
        ("it costs $5\n/test", &["/test"]),
        ("1 < 2\n/test\n3 > 2", &["/test"]),
        ("Vec<String>\n/test", &["/test"]),
        ("a <b>bold</b> word <br>\n/test", &["/test"]),
        ("<div>\n\n/test\n\n</div>", &["/test"]),
        ("<details>\nmore\n</details>\n\n/test", &["/test"]),
        ("\u{e9}\u{1f600}\n/test \u{e9}", &["/test \u{e9}"]),
    ]);
}

#[test]
fn the_words_are_read_without_their_marks() {
    check(&[
        ("/test `unit`", &["/test unit"]),
        ("/test **unit** _style_", &["/test unit style"]),
        ("/test [unit](https://ci.example)", &["/test unit"]),
        ("/test unit <!-- why -->", &["/test unit "]),
        ("/test un\\*it", &["/test un*it"]),
        ("/test a_b_c", &["/test a_b_c"]),
        ("/test &amp; x", &["/test & x"]),
        ("/test ~~unit~~ style", &["/test unit style"]),
        // A span over lines is shown on one.
        ("/test `a\n/cancel`", &["/test a /cancel"]),
    ]);
}

#[test]
fn code_does_not_count() {
    check(&[
        ("```\n/test\n```", &[]),
        ("```sh\n/test\n```", &[]),
        ("  ~~~~\n/test\n~~~\n/test\n~~~~", &[]),
        ("````\n```\n/test\n```\n/test\n````", &[]),
        ("```\n/test", &[]),
        ("```\n~~~\n/test\n~~~\n```", &[]),
        ("    /test", &[]),
        ("\t/test", &[]),
        ("text\n    /test", &[]),
        ("text\n\t/test", &[]),
        ("`/test`", &[]),
        ("`a\n/test\nb`", &[]),
        ("``a ` b\n/test\n``", &[]),
        ("$$\n/test\n$$", &[]),
        ("$x\n/test\ny$", &[]),
    ]);
}

#[test]
fn quotes_lists_tables_and_headings_do_not_count() {
    check(&[
        ("> /test", &[]),
        ("> quote\n/test", &[]),
        ("> - quote\n/test\n/retest", &[]),
        ("> > a\n/test", &[]),
        ("> [!NOTE]\n> /test", &[]),
        ("- /test", &[]),
        ("- item\n/test", &[]),
        ("- item\n\n  /test", &[]),
        ("1. item\n/test", &[]),
        ("- [ ] /test", &[]),
        ("| a |\n|---|\n/test", &[]),
        ("a | b\n-|-\n/test | c", &[]),
        ("/test\n===", &[]),
        ("/test\n---", &[]),
        ("# /test", &[]),
        ("[^1]: note\n/test\n\nx[^1]", &[]),
        ("[a]:\n/test", &[]),
    ]);
}

#[test]
fn what_html_hides_or_quotes_does_not_count() {
    check(&[
        ("<pre>\n/test\n</pre>", &[]),
        ("<pre>\n\n/test\n\n</pre>", &[]),
        ("<pre>a</pre><pre>\n/test\n</pre>", &[]),
        ("<!--\n/test\n-->", &[]),
        ("  <!-- hints\n\n/test\n-->", &[]),
        ("<!-- open\n/test", &[]),
        ("<!-- a --> <!--\n/test\n-->", &[]),
        ("<!-- a --> <!--\n\n/test\n\n-->", &[]),
        ("a <!-- b --> <!--\n/test\n-->", &[]),
        ("<!-- a --><!-- b --> <!--\n/test", &[]),
        ("> <!-- a --> <!--\n\n/test", &[]),
        ("<details><summary>x</summary>\n\n/test\n\n</details>", &[]),
        ("<blockquote>\n\n/test\n\n</blockquote>", &[]),
        ("<BLOCKQUOTE>\n\n/test", &[]),
        ("<blockquote\nclass=\"x\"\n\n/test", &[]),
        ("<div title=\"\n\n/test\n\n\">", &[]),
        ("<div>\n/test\n</div>", &[]),
        ("<b>\n/test\n</b>", &[]),
        ("a <code>\n/test\n</code>", &[]),
        ("a <del>b\n/test</del>", &[]),
        ("<ul><li>\n\n/test\n\n</li></ul>", &[]),
        ("<table><tr><td>\n\n/test\n\n</td></tr></table>", &[]),
        ("<script>\n\n/test\n\n</script>", &[]),
        ("<style>/* */</style><style>\n/test", &[]),
        ("<textarea>a</textarea><textarea>\n/test", &[]),
        ("<svg>\n\n/test", &[]),
        ("<h1>\n\n/test\n\n</h1>", &[]),
        ("<?php\n/test\n?>", &[]),
        ("<![CDATA[\n/test\n]]>", &[]),
        // What comes behind the end counts.
        ("<blockquote>\n\n/test\n\n</blockquote>\n\n/retest", &["/retest"]),
        ("</blockquote>\n\n/test", &["/test"]),
        ("<style>\n<!-- x\n</style>\n\n/test", &["/test"]),
        // A tag ends with the paragraph's own.
        ("<div class=x\n\n/test", &["/test"]),
        ("<pre>/test</pre>\n\n/retest", &["/retest"]),
        ("a <!-- b --> c\n/test", &["/test"]),
    ]);
}

#[test]
fn only_a_slash_that_was_written_at_the_start_of_the_line_counts() {
    check(&[
        ("see /test", &[]),
        ("\\/test", &[]),
        ("&#47;test", &[]),
        ("**/test**", &[]),
        ("**a\n/test**", &[]),
        ("[/test](https://ci.example)", &[]),
        ("[a\n/test](https://ci.example)", &[]),
        ("![a\n/test](https://ci.example)", &[]),
        ("<b>/test</b>", &[]),
        ("\u{a0}/test", &[]),
        ("\u{200b}/test", &[]),
        ("", &[]),
        ("/", &["/"]),
    ]);
}

/// Pieces that Markdown and HTML give a meaning to.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "```",
        "~~~~",
        "    ",
        "  ",
        "/test",
        "/tidegate",
        " unit",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "<!--",
        "-->",
        ">",
        "> ",
        "- ",
        "1. ",
        "`",
        "**",
        "_",
        "[",
        "](",
        ")",
        "$$",
        "$",
        "<pre>",
        "</pre>",
        "<div",
        "<details>",
        "</details>",
        "<blockquote>",
        "</blockquote>",
        "<script>",
        "\"",
        "'",
        "=",
        "===",
        "|",
        "|-|",
        "#",
        "\\",
        "&#47;",
        "é",
        "\u{0}",
        "\u{1f600}",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<",
        "[^1]:",
        "[^1]",
        "~~",
        "---",
        "\t",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_line_starts_with_a_slash_of_its_own(body in prop_oneof!["(?s).{0,200}", pieces()]) {
        let lines = plain_lines(&body);
        prop_assert!(lines.iter().all(|line| line.starts_with('/')), "{lines:?}");
        let written = body.split(['\n', '\r']).filter(|line| line.trim_start_matches(' ').starts_with('/')).count();
        prop_assert!(lines.len() <= written, "{lines:?}");
        // So the function has sent it.
        prop_assert!(lines.is_empty() || tidegate_model::CommentEvent::may_hold_command(&body));
    }

    #[test]
    fn nothing_within_a_fence_counts(
        inside in prop_oneof!["(?s)[a-z/<>!\\-\n \t`]{0,80}", pieces()],
        fence in prop::sample::select(vec!["``````````", "~~~~~~~~~~"]),
        info in "[a-z ]{0,8}",
    ) {
        // A shorter fence, or one of the other kind, doesn't end it.
        let inside = inside.replace(fence, "");
        prop_assert_eq!(plain_lines(&format!("{fence}{info}\n{inside}\n/test\n{fence}\n")), Vec::<String>::new());
    }

    #[test]
    fn nothing_within_a_quote_counts_and_what_follows_an_empty_line_does(lines in prop::collection::vec("[a-z/ ]{0,20}", 1..6)) {
        let quote: Vec<String> = lines.iter().map(|line| format!("> {line}")).collect();
        let body = format!("{}\n\n/test", quote.join("\n"));
        prop_assert_eq!(plain_lines(&body), ["/test"]);
    }

    #[test]
    fn a_command_between_any_prose_counts(before in "[a-z.,]{1,20}( [a-z.,]{1,9}){0,3}", after in "[a-z]{0,20}", name in "[a-z0-9]{1,10}") {
        for end in ["\n", "\r\n", "\n\n", "\r\n\r\n"] {
            let body = format!("{before}{end}/test {name}{end}{after}");
            prop_assert_eq!(plain_lines(&body), [format!("/test {name}")]);
        }
    }
}
