//! The subscriber: JSON lines on standard error, so that standard output stays free for a program's own result.

use std::{env, io};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::MakeWriter,
    util::{SubscriberInitExt, TryInitError},
};

/// The variable that holds the filter, in `tracing_subscriber::EnvFilter`'s syntax. Default: `info`.
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
    // kube logs each answer of 5xx as an error; whoever asked logs it too, and knows what it means.
    let filter = EnvFilter::try_new(format!("kube_client::client::builder=off,{filter}"))
        .map_err(|source| InitError::Filter { value: filter.to_owned(), source })?;
    Ok(tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish())
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
