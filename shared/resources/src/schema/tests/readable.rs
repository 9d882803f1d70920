//! What the API server accepts, our types read. Else one stored object would be unreadable for the controller.

use std::{fmt::Display, str::FromStr};

use proptest::prelude::*;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};
use tidegate_model::{CommitSha, GitRef, JobName, Login, RepositoryPath, Timeout};

use super::{
    accepted::{Text, accepted, texts},
    schema,
};
use crate::{IntegrationConfig, IntegrationJob};

/// Objects of a kind that an API server accepts.
fn objects<K: kube::CustomResourceExt>(kind: &'static str) -> impl Strategy<Value = Value> {
    let schema = schema::<K>();
    let status = accepted(&schema["properties"]["status"]);
    (accepted(&schema["properties"]["spec"]), proptest::option::of(status)).prop_map(move |(spec, status)| {
        let mut object = json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": kind,
            "metadata": {"name": "shop", "namespace": "ci"}, "spec": spec,
        });
        if let Some(status) = status {
            object["status"] = status;
        }
        object
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_integration_config_that_the_api_server_accepts_is_readable(
        object in objects::<IntegrationConfig>("IntegrationConfig")
    ) {
        let read = serde_json::from_value::<IntegrationConfig>(object.clone());
        prop_assert!(read.is_ok(), "{read:?}: {object}");
    }

    #[test]
    fn an_integration_job_that_the_api_server_accepts_is_readable(
        object in objects::<IntegrationJob>("IntegrationJob")
    ) {
        let read = serde_json::from_value::<IntegrationJob>(object.clone());
        prop_assert!(read.is_ok(), "{read:?}: {object}");
    }
}

/// Checks that the schema of a type accepts a text exactly when the type does.
fn agree<T>()
where
    T: JsonSchema + FromStr<Err: Display>,
{
    let schema = schema_for!(T).to_value();
    let accepting = Text::of(&schema);
    let config = ProptestConfig { cases: 500, ..ProptestConfig::default() };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&texts(&schema), |text| {
        let parsed = text.parse::<T>();
        let said = parsed.as_ref().err().map(ToString::to_string);
        prop_assert_eq!(accepting.accepts(&text), parsed.is_ok(), "{:?}: {:?}", text, said);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}: {outcome:?}", T::schema_name());
}

#[test]
fn the_schema_of_a_text_accepts_what_its_type_accepts_and_nothing_else() {
    agree::<RepositoryPath>();
    agree::<CommitSha>();
    agree::<Login>();
    agree::<JobName>();
    agree::<GitRef>();
    agree::<Timeout>();
}

#[test]
fn the_inputs_that_once_stopped_every_repository_are_refused() {
    let refuses = |schema: schemars::Schema, text: &str| {
        assert!(!Text::of(&schema.to_value()).accepts(text), "{text}");
    };
    for text in ["0s", "169h", "0h0m0s"] {
        refuses(schema_for!(Timeout), text);
    }
    for text in ["acme/..", "../acme", "acme/."] {
        refuses(schema_for!(RepositoryPath), text);
    }
    refuses(schema_for!(CommitSha), &"0".repeat(40));
    refuses(schema_for!(GitRef), "refs/heads/a..b");
}
