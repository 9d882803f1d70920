//! The `ChatOps` plugin as a Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tidegate_plugin::run("chatops", tidegate_rules::chatops::commands).await
}
