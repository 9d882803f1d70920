//! The command line of a test binary, as cargo and people know it from Rust's own test harness.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _};
use libtest_mimic::{Arguments, Trial};

/// Parses a command line. Unlike `libtest-mimic` it takes several filters, any of which may match, and the number of
/// threads also from `RUST_TEST_THREADS`.
pub fn parse(
    line: impl Iterator<Item = OsString>,
    threads: Option<&str>,
) -> Result<(Arguments, Vec<String>)> {
    let several = |filter: clap::Arg| filter.num_args(0..).action(ArgAction::Append);
    let mut matches = Arguments::command().mut_arg("filter", several).get_matches_from(line);
    let filters = matches.remove_many("filter").into_iter().flatten().collect();
    let mut arguments = Arguments::from_arg_matches(&matches).context("failed to read the arguments")?;
    if let (None, Some(threads)) = (arguments.test_threads, threads) {
        let number = threads
            .parse()
            .with_context(|| format!("RUST_TEST_THREADS is {threads:?}: expected a number"))?;
        arguments.test_threads = Some(number);
    }
    Ok((arguments, filters))
}

/// The arguments that leave out whatever none of the filters matches.
pub fn select(arguments: Arguments, filters: &[String], trials: &[Trial]) -> Arguments {
    let one = |filter: Option<&String>| Arguments { filter: filter.cloned(), ..arguments.clone() };
    let alternatives: Vec<_> = if filters.is_empty() {
        vec![one(None)]
    } else {
        filters.iter().map(|filter| one(Some(filter))).collect()
    };
    let left_out = |trial: &&Trial| alternatives.iter().all(|one| one.is_filtered_out(trial));
    let skip = trials.iter().filter(left_out).map(|trial| trial.name().to_owned()).collect();
    Arguments { filter: None, skip, exact: true, ..arguments }
}

#[cfg(test)]
mod tests {
    use libtest_mimic::Completion;

    use super::*;

    fn selected(line: &[&str]) -> Vec<&'static str> {
        let names = ["config::one", "drain::one", "drain::one_more", "push::two"];
        let trials = names.map(|name| Trial::ignorable_test(name, || Ok(Completion::Completed)));
        let line = ["it"].iter().chain(line).map(OsString::from);
        let (arguments, filters) = parse(line, None).expect("the line is right");
        let arguments = select(arguments, &filters, &trials);
        let kept = trials.iter().zip(names).filter(|(trial, _)| !arguments.is_filtered_out(trial));
        kept.map(|(_, name)| name).collect()
    }

    #[test]
    fn without_a_filter_all_run() {
        assert_eq!(selected(&["--test-threads=6"]).len(), 4);
    }

    #[test]
    fn any_of_several_filters_may_match() {
        assert_eq!(selected(&["--test-threads", "1", "config::", "push::"]), ["config::one", "push::two"]);
        assert_eq!(selected(&["drain::"]), ["drain::one", "drain::one_more"]);
        assert_eq!(selected(&["--exact", "drain::one", "push::two"]), ["drain::one", "push::two"]);
    }

    #[test]
    fn a_skipped_name_does_not_run() {
        assert_eq!(selected(&["drain::", "--skip", "more"]), ["drain::one"]);
        assert_eq!(selected(&["--exact", "--skip", "drain::one"]).len(), 3);
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let threads = |line: &[&str], environment| {
            let line = ["it"].iter().chain(line).map(OsString::from);
            parse(line, environment).map(|(arguments, _)| arguments.test_threads)
        };
        assert_eq!(threads(&[], Some("3")).ok(), Some(Some(3)));
        assert_eq!(threads(&["--test-threads=2"], Some("3")).ok(), Some(Some(2)));
        assert!(threads(&[], Some("many")).is_err());
    }
}
