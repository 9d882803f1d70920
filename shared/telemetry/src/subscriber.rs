//! The subscriber: JSON lines on standard error, so that standard output stays free for a program's own result. The fields of an
//! event and of the spans around it stand side by side in its line.

use std::{env, io};

use json_subscriber::JsonLayer;
use tracing::Subscriber;
use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, time::SystemTime},
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

/// The variable that holds the filter, in the syntax of `tracing_subscriber::filter::Targets`: a level, or levels for
/// modules, like `info,tidegate_queue=debug`. Default: `info`. `EnvFilter` could also filter by fields, but its regular
/// expressions are a twentieth of a function's zip.
const FILTER: &str = "TIDEGATE_LOG";

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter can't be read.
    #[error("failed to parse TIDEGATE_LOG {value:?}")]
    Filter {
        /// What the variable holds.
        value: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// A subscriber is installed already.
    #[error("failed to install the log subscriber")]
    Install(#[source] TryInitError),
}

/// Installs the subscriber for the whole process; to be called once, first thing in `main`.
pub fn init() -> Result<(), InitError> {
    let value = env::var(FILTER).unwrap_or_else(|_| "info".to_owned());
    subscriber(&value, io::stderr)?.try_init().map_err(InitError::Install)
}

fn subscriber<W>(filter: &str, writer: W) -> Result<impl Subscriber + Send + Sync + use<W>, InitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // kube logs each answer of 5xx as an error; the caller logs it too, and knows what it means. Its spans have names of their own.
    let targets: Targets = format!("kube_client::client::builder=off,kube_runtime=warn,{filter}")
        .parse()
        .map_err(|source| InitError::Filter { value: filter.to_owned(), source })?;
    let mut lines = JsonLayer::new(writer);
    lines.with_timer("timestamp", SystemTime).with_level("level").with_target("target");
    lines.with_top_level_flattened_span_list().with_flattened_event();
    Ok(tracing_subscriber::registry().with(targets).with(lines))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::field;

    #[test]
    fn a_line_is_json_with_dotted_fields_beside_the_message() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let writer = move || Sink(Arc::clone(&sink));
        tracing::subscriber::with_default(subscriber("info", writer).expect("valid filter"), || {
            tracing::info!({ field::DELIVERY } = "d-1", { field::REPO } = %"acme/shop", "delivery accepted");
            tracing::debug!("too fine for the filter");
        });
        let text = lines.lock().expect("no writer panicked").clone();
        let line: serde_json::Value = serde_json::from_slice(&text).expect("exactly one JSON line");
        assert_eq!(line["message"], "delivery accepted");
        assert_eq!(line["delivery.id"], "d-1");
        assert_eq!(line["repo"], "acme/shop");
    }

    #[test]
    fn a_line_has_the_fields_of_its_spans() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let writer = move || Sink(Arc::clone(&sink));
        tracing::subscriber::with_default(subscriber("info", writer).expect("valid filter"), || {
            let delivery = tracing::info_span!(
                "delivery",
                { field::DELIVERY } = "d-1",
                { field::REPO } = tracing::field::Empty
            );
            let _delivery = delivery.enter();
            delivery.record(field::REPO, "acme/shop");
            let _call = tracing::info_span!("call", { field::OPERATION } = "set_status").entered();
            tracing::warn!({ field::ERROR } = "refused", "failed");
        });
        let text = lines.lock().expect("no writer panicked").clone();
        let line: serde_json::Value = serde_json::from_slice(&text).expect("exactly one JSON line");
        for (field, value) in [
            (field::DELIVERY, "d-1"),
            (field::REPO, "acme/shop"),
            (field::OPERATION, "set_status"),
            (field::ERROR, "refused"),
            ("level", "WARN"),
            ("message", "failed"),
        ] {
            assert_eq!(line[field], value, "{line}");
        }
    }

    #[test]
    fn a_filter_may_name_modules() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let writer = move || Sink(Arc::clone(&sink));
        let filter = "warn,tidegate_telemetry=debug";
        tracing::subscriber::with_default(subscriber(filter, writer).expect("valid filter"), || {
            tracing::info!(target: "other", "of another module");
            tracing::debug!("of this one");
        });
        let text = String::from_utf8(lines.lock().expect("no writer panicked").clone()).expect("UTF-8");
        assert!(text.contains("of this one") && !text.contains("of another"), "{text}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = subscriber("tidegate=louder", io::sink).err().expect("no such level");
        assert_eq!(error.to_string(), "failed to parse TIDEGATE_LOG \"tidegate=louder\"");
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panicked").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
