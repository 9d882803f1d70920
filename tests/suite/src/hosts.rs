//! On which hosts a core scenario runs.

use tidegate_model::Host;

use crate::{Exclusion, Scenario, World};

/// The environment variable that asks for every host.
pub const ALL_HOSTS: &str = "TIDEGATE_ALL_HOSTS";

/// The hosts that a core scenario runs on: every one, or the one that its path stands for.
pub fn of(scenario: &Scenario, world: World, all: bool) -> Vec<Host> {
    let mut hosts = Host::ALL.to_vec();
    match world {
        World::Cluster => hosts.retain(|host| *host == Host::Gitea),
        World::Sandbox if all => (),
        World::Sandbox | World::Terraform | World::Sam => {
            hosts.retain(|host| Exclusion::of_host(scenario.exclusions, *host).is_none());
            let chosen = hash(scenario.path) % u64::try_from(hosts.len().max(1)).unwrap_or(1);
            hosts = hosts.into_iter().skip(usize::try_from(chosen).unwrap_or_default()).take(1).collect();
        }
    }
    hosts
}

/// FNV-1a: the same on every machine and in every version. Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;

    fn scenario(path: &'static str, exclusions: &'static [Exclusion]) -> Scenario {
        Scenario { path, run: Run::OnHosts(|_| Box::pin(async { Ok(()) })), is_long: false, exclusions }
    }

    #[test]
    fn a_core_scenario_runs_on_one_host_that_its_name_chooses_or_on_all() {
        let paths = ["it::a", "it::b", "it::c", "it::d", "it::e", "it::f", "it::g", "it::h"];
        let one = |path| of(&scenario(path, &[]), World::Sandbox, false);
        assert!(paths.into_iter().all(|path| one(path).len() == 1 && one(path) == one(path)));
        assert!(Host::ALL.into_iter().all(|host| paths.into_iter().any(|path| one(path) == [host])));
        assert_eq!(of(&scenario("it::a", &[]), World::Sandbox, true), Host::ALL);
        assert_eq!(of(&scenario("it::a", &[]), World::Cluster, true), [Host::Gitea]);
    }

    #[test]
    fn a_host_that_is_excluded_is_never_chosen() {
        const NOT: &[Exclusion] = &[Exclusion::not_on_gitlab("r"), Exclusion::not_on_bitbucket("r")];
        for path in ["it::a", "it::b", "it::c", "it::d", "it::e", "it::f"] {
            let chosen = of(&scenario(path, NOT), World::Sandbox, false);
            assert!(matches!(chosen[..], [Host::Github | Host::Gitea]), "{chosen:?}");
        }
    }
}
