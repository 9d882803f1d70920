//! Runs the declared scenarios.

use std::{
    any::Any,
    collections::BTreeSet,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::future::LocalBoxFuture;
use libtest_mimic::{Completion, Failed, Trial};
use tidegate_model::Host;

use crate::{
    Exclusion, Run, Scenario, World, arguments, hosts,
    report::{Outcome, Report},
};

/// Runs the scenarios of this binary that its command line selects. The suite is its name in the report. Fails before any
/// of them starts where the environment names no world, or a declaration is wrong.
pub fn main(suite: &'static str) -> Result<ExitCode> {
    let threads = std::env::var("RUST_TEST_THREADS").ok();
    let (arguments, filters) = arguments::parse(std::env::args_os(), threads.as_deref())?;
    let world = World::of_environment()?;
    let scenarios = declared()?;
    let path = std::env::var_os("TIDEGATE_TEST_REPORT").map(PathBuf::from);
    let report = Arc::new(Report::open(path.as_deref(), world, suite)?);
    let all_hosts = std::env::var_os(hosts::ALL_HOSTS).is_some();
    let trials_of = |scenario: &'static Scenario| -> Vec<Trial> {
        match scenario.run {
            Run::Once(run) => {
                vec![trial(name(scenario).to_owned(), scenario.exclusions, None, run, world, &report)]
            }
            Run::OnHosts(run) => hosts::of(scenario, world, all_hosts)
                .into_iter()
                .map(|host| {
                    let name = format!("{}@{host}", name(scenario));
                    trial(name, scenario.exclusions, Some(host), move || run(host), world, &report)
                })
                .collect(),
        }
    };
    let trials: Vec<_> = scenarios.into_iter().flat_map(trials_of).collect();
    let arguments = arguments::select(arguments, &filters, &trials);
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// All scenarios: the long ones first, each by name.
fn declared() -> Result<Vec<&'static Scenario>> {
    let mut scenarios: Vec<_> = inventory::iter::<Scenario>.into_iter().collect();
    scenarios.sort_by_key(|scenario| (!scenario.is_long, scenario.path));
    let mut names = BTreeSet::new();
    for scenario in &scenarios {
        ensure!(names.insert(scenario.path), "{} is declared twice", scenario.path);
        let runs =
            World::ALL.into_iter().any(|world| Exclusion::reason(scenario.exclusions, world).is_none());
        ensure!(runs, "{} is excluded from every world: drop it, or an exclusion", scenario.path);
    }
    Ok(scenarios)
}

fn trial(
    name: String,
    exclusions: &'static [Exclusion],
    host: Option<Host>,
    run: impl FnOnce() -> LocalBoxFuture<'static, Result<()>> + Send + 'static,
    world: World,
    report: &Arc<Report>,
) -> Trial {
    let report = Arc::clone(report);
    Trial::ignorable_test(name.clone(), move || {
        let on_world = Exclusion::reason(exclusions, world).map(|reason| format!("on {world}: {reason}"));
        let on_host = host.and_then(|host| Some((host, Exclusion::of_host(exclusions, host)?)));
        let on_host = on_host.map(|(host, reason)| format!("on {host}: {reason}"));
        if let Some(reason) = on_world.or(on_host) {
            report
                .append(&name, &Outcome::Skipped(&reason), Duration::ZERO)
                .map_err(|error| failed(&error))?;
            return Ok(Completion::ignored_with(reason));
        }
        let start = Instant::now();
        let outcome = outcome_of(&name, run);
        let reported = match &outcome {
            Ok(()) => Outcome::Ran,
            Err(message) => Outcome::Failed(message),
        };
        report.append(&name, &reported, start.elapsed()).map_err(|error| failed(&error))?;
        outcome.map(|()| Completion::Completed).map_err(Failed::from)
    })
}

/// Runs a scenario to its end; the error is what to show of its failure.
fn outcome_of(
    name: &str,
    run: impl FnOnce() -> LocalBoxFuture<'static, Result<()>> + Send + 'static,
) -> Result<(), String> {
    // A thread of its own bears its name, which a panic's message shows.
    let thread = thread::Builder::new().name(name.to_owned()).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("failed to start a runtime")?.block_on(run())
    });
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(format!("{error:?}")),
        Ok(Err(panic)) => Err(format!("it panicked: {}", message(panic.as_ref()))),
        Err(error) => Err(format!("failed to start a thread: {error}")),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Its function's path without the crate, as Rust's own test harness shows it.
fn name(scenario: &Scenario) -> &'static str {
    scenario.path.split_once("::").map_or(scenario.path, |(_, name)| name)
}

fn failed(error: &anyhow::Error) -> Failed {
    format!("{error:?}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure_of(run: fn() -> futures::future::LocalBoxFuture<'static, Result<()>>) -> String {
        outcome_of("area::name", run).err().unwrap_or_default()
    }

    #[test]
    fn an_error_and_a_panic_are_failures_that_say_why() {
        assert_eq!(failure_of(|| Box::pin(async { Ok(()) })), "");
        let failed = failure_of(|| Box::pin(async { Err(anyhow::anyhow!("cause").context("consequence")) }));
        assert!(failed.starts_with("consequence") && failed.contains("cause"), "{failed}");
        let panicked = failure_of(|| {
            Box::pin(async {
                assert_eq!(1, 2, "not the same");
                Ok(())
            })
        });
        assert!(panicked.starts_with("it panicked: ") && panicked.contains("not the same"), "{panicked}");
    }

    #[test]
    fn a_scenario_is_named_by_module_and_function() {
        let scenario = Scenario {
            path: "it::drain::runs",
            run: Run::Once(|| Box::pin(async { Ok(()) })),
            is_long: false,
            exclusions: &[],
        };
        assert_eq!(name(&scenario), "drain::runs");
    }
}
