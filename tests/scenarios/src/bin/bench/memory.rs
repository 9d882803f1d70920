//! The controller's memory after many runs.

use anyhow::Result;
use kube::Api;
use tidegate_model::Host;
use tidegate_resources::PipelineRun;
use tidegate_scenarios::{Scene, WorldSpec, process::resident_mib};

use crate::{controller, watch::Appearing, work};

pub async fn measure(jobs: usize) -> Result<()> {
    let scene = Scene::set(WorldSpec::new(Host::Gitea), &work()).await?;
    let pid = controller(&scene)?.pid()?;
    let mut runs =
        Appearing::<PipelineRun>::new(Api::namespaced(scene.world.client.clone(), &scene.world.namespace));
    for round in 0..jobs {
        scene.push("fix", "dora", &[("n", &format!("{round}\n"))]).await?;
        if round == 0 {
            scene.open("dora", "fix").await?;
        }
        runs.next().await?;
    }
    scene.settle_jobs(jobs).await?;
    println!("controller after {jobs} finished IntegrationJobs: {:.1} MiB", resident_mib(pid)?);
    scene.end().await
}
