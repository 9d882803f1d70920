//! What may be shown of a dead letter.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tidegate_model::{Command, Event};
use tidegate_queue::{DecodeError, Message, Payload, group_id};

/// A message of a dead-letter queue.
pub(super) struct Letter {
    pub(super) message: Message,
    content: Result<Content, DecodeError>,
}

/// A readable message: a command or an event in its envelope, which contain no secrets.
struct Content {
    repository: String,
    what: String,
    group: String,
    envelope: Value,
}

impl Letter {
    pub(super) fn new(message: Message) -> Self {
        let content = content::<Command>(&message, |command| command.intention.as_str()).or_else(|error| {
            // An event's envelope differs only in its body. If the message is neither, the command's error is shown.
            content::<Event>(&message, |event| event.kind().as_str()).map_err(|_| error)
        });
        Self { message, content }
    }

    /// The error, if the message is unreadable.
    pub(super) fn unreadable(&self) -> Option<String> {
        let error = self.content.as_ref().err()?;
        Some(format!("{error}: {}", error.source))
    }

    /// The message group that it belongs to.
    pub(super) fn group(&self) -> Option<&str> {
        Some(&self.content.as_ref().ok()?.group)
    }

    /// The row of a table: id, age, repository, what, reason.
    pub(super) fn row(&self, now: SystemTime) -> [String; 5] {
        let (repository, what) = match &self.content {
            Ok(content) => (content.repository.clone(), content.what.clone()),
            Err(_) => ("-".to_owned(), "unreadable".to_owned()),
        };
        let age = now.duration_since(self.message.sent_at).unwrap_or_default();
        [self.message.id.clone(), age_of(age.as_secs()), repository, what, self.reason()]
    }

    /// Everything that may be shown.
    pub(super) fn show(&self) -> Value {
        let sent = self.message.sent_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let sent = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::try_from(sent).unwrap_or_default());
        json!({
            "id": self.message.id,
            "sentAt": sent.map(|sent| sent.to_string()).unwrap_or_default(),
            "received": self.message.receive_count,
            "reason": self.reason(),
            "unreadable": self.unreadable(),
            "message": self.content.as_ref().ok().map(|content| &content.envelope),
        })
    }

    /// The reason why it is here, in one line.
    fn reason(&self) -> String {
        let reason = self.message.reason.clone();
        let reason = reason.or_else(|| self.unreadable());
        let reason =
            reason.unwrap_or_else(|| "it was received too often without success; see the logs".to_owned());
        reason.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn content<T: Payload + Serialize>(
    message: &Message,
    what: impl Fn(&T) -> &'static str,
) -> Result<Content, DecodeError> {
    let envelope = message.decode::<T>()?;
    Ok(Content {
        repository: envelope.body.repository().to_string(),
        what: what(&envelope.body).to_owned(),
        group: group_id(envelope.host, envelope.body.repository()),
        envelope: serde_json::to_value(&envelope)
            .map_err(|source| DecodeError { bytes: message.body.len(), source })?,
    })
}

/// Whole units, like `3d`, `5h`, `12m`, `40s`.
fn age_of(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}
