//! How a scenario is declared, run and reported.
//!
//! A test binary with `harness = false` calls [`main`], and declares each scenario with [`scenario!`] right above its
//! function. A scenario that doesn't run in the present [`World`] is reported as ignored, with its reason. All else is
//! as in Rust's own test harness: filters, `--exact`, `--skip`, `--list`, `--test-threads`, the summary's last line.

mod arguments;
mod exclusion;
mod hosts;
mod report;
mod run;
mod world;

use anyhow::Result;
use futures::future::LocalBoxFuture;
use tidegate_model::Host;

#[doc(hidden)]
pub use inventory;

pub use exclusion::Exclusion;
pub use run::main;
pub use world::World;

/// A declared scenario. [`scenario!`] makes them.
pub struct Scenario {
    /// The path of its function: `it::drain::a_command_runs_once`.
    pub path: &'static str,
    /// Starts it.
    pub run: Run,
    /// Whether it waits for long, so that it starts before the others and they run meanwhile.
    pub is_long: bool,
    /// In which worlds it doesn't run, and why.
    pub exclusions: &'static [Exclusion],
}

/// How a scenario starts.
#[derive(Clone, Copy)]
pub enum Run {
    /// Its function says which host the scenario has.
    Once(fn() -> LocalBoxFuture<'static, Result<()>>),
    /// It takes the host, and runs on each.
    OnHosts(fn(Host) -> LocalBoxFuture<'static, Result<()>>),
}

inventory::collect!(Scenario);

/// Declares a scenario: an `async fn() -> anyhow::Result<()>` of the same module.
///
/// ```
/// # use tidegate_test_suite::scenario;
/// scenario!(a_pull_request_is_tested);
/// async fn a_pull_request_is_tested() -> anyhow::Result<()> {
///     Ok(())
/// }
///
/// scenario!(a_host_that_fails_is_asked_again, not_on_cluster = "a real host doesn't fail on request");
/// async fn a_host_that_fails_is_asked_again() -> anyhow::Result<()> {
///     Ok(())
/// }
/// ```
///
/// Without more it runs in every world. The names of the exclusions are the functions of [`Exclusion`], and there may be
/// several. `scenario!(name, long, …)` declares one that waits for more than about 12 seconds: it starts before the others.
///
/// `scenario!(name, on_hosts, …)` declares a core scenario, an `async fn(Host) -> anyhow::Result<()>`. It runs on every host if
/// `TIDEGATE_ALL_HOSTS` is set, else on one of them; on the real cluster that is Gitea.
#[macro_export]
macro_rules! scenario {
    ($name:ident, on_hosts $(, $exclusion:ident = $reason:expr)* $(,)?) => {
        $crate::scenario!(@ $name, $crate::Run::OnHosts(|host| ::std::boxed::Box::pin($name(host))), false $(, $exclusion = $reason)*);
    };
    ($name:ident, long $(, $exclusion:ident = $reason:expr)* $(,)?) => {
        $crate::scenario!(@ $name, $crate::Run::Once(|| ::std::boxed::Box::pin($name())), true $(, $exclusion = $reason)*);
    };
    ($name:ident $(, $exclusion:ident = $reason:expr)* $(,)?) => {
        $crate::scenario!(@ $name, $crate::Run::Once(|| ::std::boxed::Box::pin($name())), false $(, $exclusion = $reason)*);
    };
    (@ $name:ident, $run:expr, $is_long:literal $(, $exclusion:ident = $reason:expr)*) => {
        $crate::inventory::submit! {
            $crate::Scenario {
                path: concat!(module_path!(), "::", stringify!($name)),
                run: $run,
                is_long: $is_long,
                exclusions: &[$($crate::Exclusion::$exclusion($reason)),*],
            }
        }
    };
}
