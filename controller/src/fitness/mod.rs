//! Whether anything can run under a config. Pure.

pub mod conflict;
pub mod validate;

use tidegate_model::GitRef;
use tidegate_resources::IntegrationConfig;
use tidegate_rules::filters;

use self::conflict::conflict;

/// Why nothing can run under a config; `None` if something can.
pub fn unfit(config: &IntegrationConfig) -> Option<String> {
    if let Err(invalid) = validate::validate_plan(&config.spec) {
        return Some(format!("the config is not valid: {invalid}"));
    }
    conflict(config).map(|conflict| conflict.message.clone())
}

/// Whether a push of a branch or tag runs something under a config.
pub fn runs_push(config: &IntegrationConfig, reference: &GitRef) -> bool {
    let selection = filters::select(&config.spec.jobs.post_submit, reference);
    unfit(config).is_none() && selection.is_ok_and(|selection| !selection.run.is_empty())
}
