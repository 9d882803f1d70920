//! What the API serves: kinds and verbs, nothing else. A request that isn't listed here is answered 501 and named.

use std::fmt;

/// What a request does to an object or a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

use Verb::{Create, Delete, DeleteCollection, Get, List, Patch, Update, Watch};

impl Verb {
    /// The name in discovery and in RBAC.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Get => "get",
            List => "list",
            Watch => "watch",
            Create => "create",
            Update => "update",
            Patch => "patch",
            Delete => "delete",
            DeleteCollection => "deletecollection",
        }
    }
}

/// A kind that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Resource {
    Namespace,
    Pod,
    Secret,
    ConfigMap,
    Event,
    Lease,
    CustomResourceDefinition,
    IntegrationConfig,
    IntegrationJob,
    IntegrationLedger,
    PipelineRun,
    TaskRun,
}

/// One row of the table.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own, and any combination may be")]
pub(crate) struct Row {
    /// The API group; empty for the core group.
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) namespaced: bool,
    /// Whether `/status` is an endpoint of its own: then the main endpoint ignores `status`.
    pub(crate) status: bool,
    /// Whether `metadata.generation` counts changes of the spec.
    pub(crate) generation: bool,
    /// Whether an update may leave out `metadata.resourceVersion`.
    pub(crate) unconditional_update: bool,
    pub(crate) verbs: &'static [Verb],
}

const PLAIN: Row = Row {
    group: "",
    version: "v1",
    kind: "",
    plural: "",
    short_names: &[],
    namespaced: true,
    status: false,
    generation: false,
    unconditional_update: true,
    verbs: &[Get, List, Create, Update, Patch, Delete],
};

const CUSTOM: Row = Row {
    status: true,
    generation: true,
    unconditional_update: false,
    verbs: &[Get, List, Watch, Create, Update, Patch, Delete, DeleteCollection],
    ..PLAIN
};

impl Resource {
    pub(crate) const ALL: [Self; 12] = [
        Self::Namespace,
        Self::Pod,
        Self::Secret,
        Self::ConfigMap,
        Self::Event,
        Self::Lease,
        Self::CustomResourceDefinition,
        Self::IntegrationConfig,
        Self::IntegrationJob,
        Self::IntegrationLedger,
        Self::PipelineRun,
        Self::TaskRun,
    ];

    /// The table.
    #[rustfmt::skip]
    pub(crate) const fn row(self) -> Row {
        match self {
            Self::Namespace => Row { kind: "Namespace", plural: "namespaces", short_names: &["ns"], namespaced: false, verbs: &[Get, List, Create, Delete], ..PLAIN },
            Self::Pod => Row { kind: "Pod", plural: "pods", short_names: &["po"], verbs: &[Get, List], ..PLAIN },
            Self::Secret => Row { kind: "Secret", plural: "secrets", ..PLAIN },
            Self::ConfigMap => Row { kind: "ConfigMap", plural: "configmaps", short_names: &["cm"], ..PLAIN },
            Self::Event => Row { group: "events.k8s.io", kind: "Event", plural: "events", short_names: &["ev"], verbs: &[Get, List, Create, Patch], ..PLAIN },
            Self::Lease => Row { group: "coordination.k8s.io", kind: "Lease", plural: "leases", unconditional_update: false, verbs: &[Get, Create, Update, Patch, Delete], ..PLAIN },
            Self::CustomResourceDefinition => Row { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", plural: "customresourcedefinitions", short_names: &["crd"], namespaced: false, generation: true, unconditional_update: false, verbs: &[Get, List, Create, Update, Patch], ..PLAIN },
            Self::IntegrationConfig => Row { group: "tidegate.dev", version: "v1alpha1", kind: "IntegrationConfig", plural: "integrationconfigs", short_names: &["ic"], ..CUSTOM },
            Self::IntegrationJob => Row { group: "tidegate.dev", version: "v1alpha1", kind: "IntegrationJob", plural: "integrationjobs", short_names: &["ij"], ..CUSTOM },
            Self::IntegrationLedger => Row { group: "tidegate.dev", version: "v1alpha1", kind: "IntegrationLedger", plural: "integrationledgers", short_names: &["il"], status: false, verbs: &[Get, List, Create, Patch, Delete], ..CUSTOM },
            Self::PipelineRun => Row { group: "tekton.dev", kind: "PipelineRun", plural: "pipelineruns", short_names: &["pr"], ..CUSTOM },
            Self::TaskRun => Row { group: "tekton.dev", kind: "TaskRun", plural: "taskruns", short_names: &["tr"], ..CUSTOM },
        }
    }

    /// The resource at `/apis/{group}/{version}/…/{plural}`; `/api/v1` for the core group.
    pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| {
            let row = resource.row();
            (row.group, row.version, row.plural) == (group, version, plural)
        })
    }
}

impl Row {
    /// `group/version`, as objects write it.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `plural.group`, as messages name it.
    pub(crate) fn qualified_plural(&self) -> String {
        qualified(self.plural, self.group)
    }

    /// `Kind.group`, as messages name it.
    pub(crate) fn qualified_kind(&self) -> String {
        qualified(self.kind, self.group)
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) resource: Resource,
    /// Empty for objects of the cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(resource: Resource, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { resource, namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.resource.row().kind, self.namespace, self.name)
    }
}
