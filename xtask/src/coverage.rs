//! Which scenario ran in which tier. The scenarios write it down; one that ran nowhere is a failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{step::Step, workspace::Workspace};

/// The variable that names the file which scenarios append a line to: world, suite, name, `ran`, `failed` or `skipped`,
/// seconds, and the reason, with tabs between them.
const VARIABLE: &str = "TIDEGATE_TEST_REPORT";

/// The file.
pub(crate) struct Coverage(PathBuf);

/// One scenario: where it ran, and why it did not elsewhere.
#[derive(Debug, Default, PartialEq)]
struct Scenario {
    ran: BTreeSet<String>,
    /// The seconds that it took on each host, if it is a core scenario.
    on_hosts: BTreeMap<String, f64>,
    skipped: BTreeMap<String, String>,
}

impl Coverage {
    /// Begins with an empty file.
    pub(crate) fn begin(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = workspace.target.join("ci");
        fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let path = folder.join("scenarios.tsv");
        fs::write(&path, "").with_context(|| format!("failed to write {}", path.display()))?;
        Ok(Self(path))
    }

    /// The same step, whose scenarios write down that they ran.
    pub(crate) fn of(&self, step: Step) -> Step {
        step.env(VARIABLE, &self.0.display().to_string())
    }

    /// How many scenarios ran where.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        let mut worlds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut hosts: BTreeMap<String, (usize, f64)> = BTreeMap::new();
        for scenario in self.read()?.into_values() {
            for (host, seconds) in scenario.on_hosts {
                let (ran, all) = hosts.entry(host).or_default();
                (*ran, *all) = (*ran + 1, *all + seconds);
            }
            for world in scenario.ran {
                worlds.entry(world).or_default().0 += 1;
            }
            for world in scenario.skipped.into_keys() {
                worlds.entry(world).or_default().1 += 1;
            }
        }
        for (world, (ran, skipped)) in worlds {
            println!("scenarios and transcripts on the {world}: {ran} ran, {skipped} skipped with a reason");
        }
        for (host, (ran, seconds)) in hosts {
            println!("core scenarios on {host}: {ran} ran, {seconds:.1} s");
        }
        Ok(())
    }

    /// Fails when a scenario ran nowhere.
    pub(super) fn complete(&self) -> anyhow::Result<()> {
        let scenarios = self.read()?;
        if scenarios.is_empty() {
            bail!("no scenario wrote to {}: do they read {VARIABLE}?", self.0.display());
        }
        let nowhere: Vec<_> = scenarios.into_iter().filter(|(_, scenario)| scenario.ran.is_empty()).collect();
        for (name, scenario) in &nowhere {
            println!("{name} ran in no tier: {:?}", scenario.skipped);
        }
        if !nowhere.is_empty() {
            bail!("{} scenarios ran in no tier", nowhere.len());
        }
        Ok(())
    }

    fn read(&self) -> anyhow::Result<BTreeMap<String, Scenario>> {
        parse(&self.0)
    }
}

fn parse(path: &Path) -> anyhow::Result<BTreeMap<String, Scenario>> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut scenarios: BTreeMap<String, Scenario> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[world, suite, name, what, seconds, ref reason @ ..] = &fields[..] else {
            bail!(
                "{} has a line that is not world, suite, name, result, seconds, reason: {line:?}",
                path.display()
            );
        };
        // A core scenario runs on several hosts, and is one.
        let (name, host) = name.split_once('@').map_or((name, None), |(name, host)| (name, Some(host)));
        let scenario = scenarios.entry(format!("{suite}::{name}")).or_default();
        match what {
            "ran" | "failed" => {
                scenario.ran.insert(world.to_owned());
                let took: f64 = seconds.parse().unwrap_or_default();
                if let Some(host) = host {
                    *scenario.on_hosts.entry(host.to_owned()).or_default() += took;
                }
            }
            "skipped" => drop(scenario.skipped.insert(world.to_owned(), reason.join(" "))),
            other => bail!("{} has an unknown result {other:?}: {line:?}", path.display()),
        }
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> (tempfile::TempDir, Coverage) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scenarios.tsv");
        fs::write(&path, text).expect("written");
        (folder, Coverage(path))
    }

    #[test]
    fn a_scenario_that_was_skipped_everywhere_fails_the_whole() {
        let both = "sandbox\tit\tpush::a\tran\t1.0\t\ncluster\tit\tpush::a\tskipped\t0.0\tit needs a fault\n";
        assert!(with(both).1.complete().is_ok());
        let nowhere = format!("{both}sandbox\tit\treal::b\tskipped\t0.0\tit needs pods\n");
        let error = with(&nowhere).1.complete().expect_err("b ran nowhere").to_string();
        assert_eq!(error, "1 scenarios ran in no tier");
    }

    #[test]
    fn an_empty_or_odd_report_is_a_failure() {
        assert!(with("").1.complete().is_err());
        assert!(with("sandbox\tit\n").1.complete().is_err());
        assert!(with("sandbox\tit\ta\tvanished\t0.0\t\n").1.complete().is_err());
    }
}
