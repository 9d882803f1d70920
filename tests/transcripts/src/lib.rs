//! What Tidegate relies on in a Kubernetes API, as conversations with one. The sandbox and a real API server must both
//! pass all of them; where they disagree, the sandbox is wrong.
//!
//! Each takes a client and a namespace of its own that exists, with Tidegate's CRDs installed, and uses names of its own.

pub mod admission;
pub mod deleting;
pub mod objects;
pub mod watching;
pub mod writing;

use futures::future::BoxFuture;
use kube::Client;

/// One conversation.
pub type Transcript = fn(Client, String) -> BoxFuture<'static, anyhow::Result<()>>;

macro_rules! transcripts {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |client, namespace| Box::pin(async move { $module::$name(client, &namespace).await }))),*]
    };
}

/// All that a real API server can be asked, with their names.
pub const ALL: &[(&str, Transcript)] = transcripts![
    watching::a_watch_resumes_where_it_ended,
    watching::a_watch_from_nowhere_starts_with_what_is_there,
    watching::an_object_that_leaves_the_selector_is_deleted_to_the_watch,
    watching::a_watch_can_be_asked_to_list_first,
    watching::kubes_watcher_follows_changes,
    writing::a_stale_write_conflicts,
    writing::a_name_is_taken_once,
    writing::status_and_spec_are_apart,
    writing::the_generation_counts_changes_of_the_spec,
    writing::a_merge_patch_is_guarded_by_its_resource_version,
    writing::a_json_patch_applies_only_if_its_test_holds,
    writing::a_write_without_a_change_is_no_version,
    writing::string_data_becomes_data,
    writing::a_server_makes_up_names,
    deleting::a_finalizer_keeps_an_object,
    deleting::what_an_object_owns_follows_it,
    deleting::an_orphan_is_collected,
    deleting::a_deletion_may_name_the_uid_it_means,
    deleting::a_namespace_takes_its_objects_along,
    deleting::a_collection_is_deleted_by_label,
    admission::defaults_are_written_and_unknown_fields_dropped,
    admission::a_null_is_no_value,
    admission::bad_fields_are_named,
    admission::each_rule_of_a_config_rejects,
    admission::each_rule_of_a_job_rejects,
    admission::what_a_job_runs_is_fixed_field_by_field,
    admission::bad_names_are_refused,
];
