//! The Integrator plugin as a Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tidegate_plugin::run("integrator", tidegate_rules::integrator::commands).await
}
