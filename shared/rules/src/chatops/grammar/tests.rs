use proptest::prelude::*;

use crate::chatops::{ChatCommand, words::MAX_QUOTE};

use super::*;

fn commands(body: &str) -> Vec<ChatCommand> {
    read(body.lines()).iter().filter_map(Line::command).cloned().collect()
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
    for body in [
        "/test unit",
        "/tidegate test unit",
        "/Tidegate  TEST unit",
        "/TEST unit",
        "/test UNIT",
        "/TIDEGATE TEST Unit",
    ] {
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
        assert_eq!(read(body.lines()), [], "{body}");
    }
    let problem = |body: &str| match &read(body.lines())[..] {
        [Line { outcome: Err(problem), .. }] => problem.clone(),
        other => unreachable!("{body}: {other:?}"),
    };
    assert_eq!(problem("/tidegate deploy"), "there is no command `deploy`");
    assert_eq!(problem("/tidegate"), "missing command");
    assert_eq!(problem("/test Unit!"), "`Unit!` is not a valid job name");
    assert_eq!(problem("/retest all"), "it takes no arguments");
    assert_eq!(problem("/ok-to-test abc1234"), "`abc1234` is not a full commit SHA");
    assert_eq!(problem("/ok-to-test a b"), "it takes at most one commit");
}

#[test]
fn a_full_sha_is_read_in_any_case() {
    let sha = "ABCDEF0123".repeat(4);
    let expected = sha.to_lowercase().parse().expect("a SHA");
    assert_eq!(commands(&format!("/ok-to-test {sha}")), [ChatCommand::Approve { sha: Some(expected) }]);
}

#[test]
fn no_line_of_the_help_is_a_command() {
    assert_eq!(read(super::super::help().lines()), []);
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    let lines = read(["/test"; 100]);
    assert_eq!(lines.len(), MAX_COMMANDS + 1);
    assert!(lines[..MAX_COMMANDS].iter().all(|line| line.outcome.is_ok()));
    assert!(lines[MAX_COMMANDS].outcome.as_ref().is_err_and(|problem| problem.contains("16 commands")));
}

#[test]
fn what_is_repeated_can_not_break_out_of_its_quotes() {
    let [line] = &read(["/test `x` @everyone ``` \u{7}y"])[..] else { unreachable!("one command") };
    assert!(!line.text.contains('`') && !line.text.contains('\u{7}'), "{}", line.text);
    assert_eq!(line.outcome, Err("`x` is not a valid job name".to_owned()));
    let [long] = &read([&*format!("/test {}", "a".repeat(200))])[..] else { unreachable!("one command") };
    assert_eq!(long.text.chars().count(), MAX_QUOTE + 1);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_command_comes_from_a_line_of_its_own(body in "(?s).{0,200}") {
        let lines = read(body.lines());
        prop_assert!(lines.len() <= body.lines().filter(|line| line.starts_with('/')).count());
    }

    #[test]
    fn a_job_is_found_whatever_the_case_of_its_name(name in "[a-zA-Z0-9]{1,40}", own in any::<bool>()) {
        let line = format!("{} {name}", if own { "/Tidegate Test" } else { "/tesT" });
        prop_assert_eq!(commands(&line), [run(&[&name.to_ascii_lowercase()])]);
    }
}
