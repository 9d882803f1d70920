//! Where a test binary runs.

use std::{env::VarError, fmt};

use anyhow::{Result, bail};

/// What is around Tidegate while a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// The sandbox's cloud, Git host and cluster.
    Sandbox,
    /// A real Kubernetes, Tekton and Gitea; the cloud is the sandbox's.
    Cluster,
    /// A cloud that the Terraform module deployed; the rest is the sandbox's.
    Terraform,
    /// A cloud that the SAM template deployed; the rest is the sandbox's.
    Sam,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sandbox, Self::Cluster, Self::Terraform, Self::Sam];

    /// The world that `TIDEGATE_WORLD` names, and `TIDEGATE_DEPLOYED_STACK` for a deployed cloud. Fails on a name that is
    /// not known.
    pub fn of_environment() -> Result<Self> {
        Self::named(variable("TIDEGATE_WORLD")?.as_deref(), variable("TIDEGATE_DEPLOYED_STACK")?.as_deref())
    }

    fn named(world: Option<&str>, stack: Option<&str>) -> Result<Self> {
        match (world, stack) {
            (None | Some(""), _) => Ok(Self::Sandbox),
            (Some("cluster"), _) => Ok(Self::Cluster),
            (Some("deployed"), Some("terraform")) => Ok(Self::Terraform),
            (Some("deployed"), Some("sam")) => Ok(Self::Sam),
            (Some("deployed"), stack) => {
                bail!(
                    "TIDEGATE_DEPLOYED_STACK is {stack:?}: expected terraform or sam; run `cargo xtask deploy`"
                )
            }
            (Some(other), _) => {
                bail!(
                    "TIDEGATE_WORLD is {other:?}: expected cluster or deployed, or unset it for the sandbox"
                )
            }
        }
    }

    /// Its name in the report: `sandbox`, `cluster`, `terraform`, `sam`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Cluster => "cluster",
            Self::Terraform => "terraform",
            Self::Sam => "sam",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sandbox => "the sandbox",
            Self::Cluster => "the real cluster",
            Self::Terraform => "the stack of Terraform",
            Self::Sam => "the stack of SAM",
        })
    }
}

fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => bail!("{name} is not UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_one_world() {
        let named = |world, stack| World::named(world, stack).map_err(|error| error.to_string());
        assert_eq!(named(None, None), Ok(World::Sandbox));
        assert_eq!(named(Some(""), None), Ok(World::Sandbox));
        assert_eq!(named(Some("cluster"), None), Ok(World::Cluster));
        assert_eq!(named(Some("deployed"), Some("terraform")), Ok(World::Terraform));
        assert_eq!(named(Some("deployed"), Some("sam")), Ok(World::Sam));
        let unknown = named(Some("clutser"), None).expect_err("a typing error must not run the sandbox");
        assert!(unknown.contains("\"clutser\""), "{unknown}");
        assert!(named(Some("deployed"), None).is_err());
        assert!(named(Some("deployed"), Some("cdk")).is_err());
    }
}
