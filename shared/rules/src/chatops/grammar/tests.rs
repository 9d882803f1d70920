use proptest::prelude::*;

use super::*;

fn commands(body: &str) -> Vec<ChatCommand> {
    read(body).iter().map(Line::command).collect()
}

fn run(names: &[&str]) -> ChatCommand {
    ChatCommand::RunJobs { names: names.iter().map(|name| name.parse().expect("a job's name")).collect() }
}

#[test]
fn several_commands_stand_in_one_comment_each_on_its_line() {
    let body = "Please:\r\n/test unit style\r\n\r\nand then\r\n/retest\r\n/cancel\t slow \r\n/ok-to-test";
    let cancel = ChatCommand::CancelJobs { names: vec!["slow".parse().expect("a name")] };
    assert_eq!(
        commands(body),
        [run(&["unit", "style"]), ChatCommand::RunFailed, cancel, ChatCommand::Approve { sha: None }]
    );
}

#[test]
fn the_own_name_may_stand_before_and_case_does_not_matter() {
    for body in ["/test unit", "/tidegate test unit", "/Tidegate  TEST unit", "/TEST unit"] {
        assert_eq!(commands(body), [run(&["unit"])], "{body}");
    }
}

#[test]
fn only_the_start_of_a_line_counts() {
    for body in
        [" /test", "see /test", "\t/test", "    /test", "> /test", "- /test", "`/test`", "/ test", "//test"]
    {
        assert_eq!(commands(body), [], "{body:?}");
    }
}

#[test]
fn words_of_other_bots_are_left_to_them_but_ours_are_explained() {
    for body in ["/lgtm", "/testing", "/approve", "/tidegates test", "/"] {
        assert_eq!(read(body), [], "{body}");
    }
    let problem = |body: &str| match &read(body)[..] {
        [Line { outcome: Err(problem), .. }] => problem.clone(),
        other => unreachable!("{body}: {other:?}"),
    };
    assert_eq!(problem("/tidegate deploy"), "there is no command `deploy`");
    assert_eq!(problem("/tidegate"), "it names no command");
    assert_eq!(problem("/test Unit!"), "`Unit!` is no job's name");
    assert_eq!(problem("/retest all"), "it takes nothing behind it");
    assert_eq!(problem("/ok-to-test abc1234"), "`abc1234` is no full commit SHA");
    assert_eq!(problem("/ok-to-test a b"), "it takes one commit at most");
}

#[test]
fn a_full_sha_is_read_in_any_case() {
    let sha = "ABCDEF0123".repeat(4);
    let expected = sha.to_lowercase().parse().expect("a SHA");
    assert_eq!(commands(&format!("/ok-to-test {sha}")), [ChatCommand::Approve { sha: Some(expected) }]);
}

#[test]
fn code_and_hidden_text_hold_no_commands() {
    for body in [
        "```\n/test\n```",
        "```sh\n/test\n```",
        "  ~~~~\n/test\n~~~\n/test\n~~~~",
        "````\n```\n/test\n```\n/test\n````",
        "```\n/test",
        "```\n~~~\n/test\n~~~\n```",
        "<!--\n/test\n-->",
        "  <!-- hints\n\n/test\n-->",
        "<!-- open\n/test",
    ] {
        assert_eq!(commands(body), [], "{body:?}");
    }
    for body in [
        "```\ncode\n```\n/test",
        "```inline``` code\n/test",
        "``\n/test",
        "<!-- x -->\n/test",
        "~~~\n~~~\n/test",
    ] {
        assert_eq!(commands(body), [run(&[])], "{body:?}");
    }
}

#[test]
fn an_answer_of_ours_is_never_read_whatever_it_holds() {
    let answer = format!("/test\n{MARKER} 0123 -->");
    assert_eq!(read(&answer), []);
    assert_eq!(read(&super::super::help()), [], "no line of the help is a command");
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    let lines = read(&"/test\n".repeat(100));
    assert_eq!(lines.len(), MAX_COMMANDS + 1);
    assert!(lines[..MAX_COMMANDS].iter().all(|line| line.outcome.is_ok()));
    assert!(lines[MAX_COMMANDS].outcome.as_ref().is_err_and(|problem| problem.contains("16 commands")));
}

#[test]
fn what_is_repeated_can_not_break_out_of_its_quotes() {
    let [line] = &read("/test `x` @everyone ``` \u{7}y")[..] else { unreachable!("one command") };
    assert!(!line.text.contains('`') && !line.text.contains('\u{7}'), "{}", line.text);
    assert_eq!(line.outcome, Err("`x` is no job's name".to_owned()));
    let [long] = &read(&format!("/test {}", "a".repeat(200)))[..] else { unreachable!("one command") };
    assert_eq!(long.text.chars().count(), MAX_QUOTE + 1);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_command_comes_from_a_line_of_its_own(body in "(?s).{0,200}") {
        let lines = read(&body);
        prop_assert!(lines.len() <= body.lines().filter(|line| line.starts_with('/')).count());
    }

    #[test]
    fn markdown_in_any_order_never_makes_it_panic(
        parts in prop::collection::vec(prop::sample::select(vec!["```", "~~~~", "   ", "/test", "/tidegate", " unit", "\n", "\r\n", "<!--", "-->", ">", "é", "`"]), 0..40)
    ) {
        let body = parts.concat();
        let lines = read(&body);
        prop_assert!(lines.len() <= body.lines().filter(|line| line.starts_with('/')).count());
    }

    #[test]
    fn a_command_is_read_the_same_between_any_prose_and_line_ends(
        before in "[a-z >*]{0,20}", after in "[a-z >*]{0,20}", crlf in any::<bool>(), own in any::<bool>(),
        name in "[a-z0-9]{1,10}",
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let prefix = if own { "/tidegate " } else { "/" };
        let body = format!("x{before}{end}{prefix}test {name}{end}x{after}");
        prop_assert_eq!(commands(&body), [run(&[&name])]);
    }

    #[test]
    fn nothing_between_fences_is_read(inside in "[a-z/\n ]{0,60}", fence in prop::sample::select(vec!["```", "~~~", "`````"])) {
        prop_assert_eq!(read(&format!("{fence}\n{inside}\n/test\n{fence}\n")), []);
    }

    #[test]
    fn what_was_read_survives_the_queue(names in prop::collection::vec("[a-z0-9]{1,10}", 0..5)) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let command = run(&names);
        let text = serde_json::to_string(&command).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<ChatCommand>(&text).expect("parses"), command);
    }
}
