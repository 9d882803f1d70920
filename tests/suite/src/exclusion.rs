//! Where a scenario doesn't run.

use tidegate_model::Host;

use crate::World;

/// Some worlds in which a scenario doesn't run, or a host on which it doesn't, and what is the reason there.
#[derive(Debug, Clone, Copy)]
pub struct Exclusion {
    worlds: &'static [World],
    host: Option<Host>,
    reason: &'static str,
}

impl Exclusion {
    /// Not on the real cluster: what holds there.
    pub const fn not_on_cluster(reason: &'static str) -> Self {
        Self { worlds: &[World::Cluster], host: None, reason }
    }

    /// Not with a deployed cloud: what holds there.
    pub const fn not_on_deployed(reason: &'static str) -> Self {
        Self { worlds: &[World::Terraform, World::Sam], host: None, reason }
    }

    /// Not with the cloud that the SAM template deploys: what holds there.
    pub const fn not_on_sam(reason: &'static str) -> Self {
        Self { worlds: &[World::Sam], host: None, reason }
    }

    /// Only on the real cluster: what holds in the other worlds.
    pub const fn only_on_cluster(reason: &'static str) -> Self {
        Self { worlds: &[World::Sandbox, World::Terraform, World::Sam], host: None, reason }
    }

    /// Only with a deployed cloud: what holds in the other worlds.
    pub const fn only_on_deployed(reason: &'static str) -> Self {
        Self { worlds: &[World::Sandbox, World::Cluster], host: None, reason }
    }

    /// Not on GitHub: what it can't do.
    pub const fn not_on_github(reason: &'static str) -> Self {
        Self { worlds: &[], host: Some(Host::Github), reason }
    }

    /// Not on GitLab: what it can't do.
    pub const fn not_on_gitlab(reason: &'static str) -> Self {
        Self { worlds: &[], host: Some(Host::Gitlab), reason }
    }

    /// Not on Gitea: what it can't do.
    pub const fn not_on_gitea(reason: &'static str) -> Self {
        Self { worlds: &[], host: Some(Host::Gitea), reason }
    }

    /// Not on Bitbucket: what it can't do.
    pub const fn not_on_bitbucket(reason: &'static str) -> Self {
        Self { worlds: &[], host: Some(Host::Bitbucket), reason }
    }

    /// Why a scenario with these exclusions doesn't run on a host. `None` if it does.
    pub(crate) fn of_host(exclusions: &[Self], host: Host) -> Option<&'static str> {
        let excludes = |exclusion: &&Self| exclusion.host == Some(host);
        exclusions.iter().find(excludes).map(|exclusion| exclusion.reason)
    }

    /// Why a scenario with these exclusions doesn't run in a world. `None` if it does.
    pub(crate) fn reason(exclusions: &[Self], world: World) -> Option<&'static str> {
        let excludes = |exclusion: &&Self| exclusion.worlds.contains(&world);
        exclusions.iter().find(excludes).map(|exclusion| exclusion.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs_in(exclusions: &[Exclusion]) -> Vec<World> {
        World::ALL.into_iter().filter(|world| Exclusion::reason(exclusions, *world).is_none()).collect()
    }

    #[test]
    fn each_exclusion_leaves_the_worlds_that_its_name_says() {
        use World::{Cluster, Sam, Sandbox, Terraform};
        assert_eq!(runs_in(&[]), World::ALL);
        assert_eq!(runs_in(&[Exclusion::not_on_cluster("r")]), [Sandbox, Terraform, Sam]);
        assert_eq!(runs_in(&[Exclusion::not_on_deployed("r")]), [Sandbox, Cluster]);
        assert_eq!(runs_in(&[Exclusion::not_on_sam("r")]), [Sandbox, Cluster, Terraform]);
        assert_eq!(runs_in(&[Exclusion::only_on_cluster("r")]), [Cluster]);
        assert_eq!(runs_in(&[Exclusion::only_on_deployed("r")]), [Terraform, Sam]);
        assert_eq!(runs_in(&[Exclusion::not_on_cluster("a"), Exclusion::not_on_deployed("b")]), [Sandbox]);
    }

    #[test]
    fn the_reason_is_the_one_of_the_world() {
        let exclusions = [Exclusion::only_on_deployed("it asks a cloud"), Exclusion::not_on_sam("no plugin")];
        assert_eq!(Exclusion::reason(&exclusions, World::Sandbox), Some("it asks a cloud"));
        assert_eq!(Exclusion::reason(&exclusions, World::Sam), Some("no plugin"));
    }
}
