//! The statuses that are written into comments now: one task for each config, so that an older head never overwrites a newer one's.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_model::CommitSha;
use tidegate_rules::status::{Context as StatusContext, Decided};
use tracing::Instrument as _;

use super::{Ended, Reporter, comment, outbox::Sent, send};
use crate::{budget::CredentialKey, key::Key, outcome::status_content::page_url, span};

/// The pause after a comment that replaces statuses could not be written. Then the statuses are tried again.
const RETRY_COMMENT: Duration = Duration::from_secs(5);

impl Reporter {
    /// Writes the statuses of a head into a comment, once the comment that is being written is there.
    pub(super) fn comment(&mut self, config: &Key, head: &CommitSha) {
        let Some(book) = self.books.get(config) else { return };
        if let Some(waiting) = self.commenting.get_mut(config) {
            waiting.insert(head.clone());
            return;
        }
        self.commenting.insert(config.clone(), BTreeSet::new());
        let (numbers, statuses) = (book.shown_on(head), book.statuses(head));
        let base = self.context.settings.report_url.as_deref();
        let row = |(context, decided): &(StatusContext, Decided)| {
            let run =
                decided.run.as_ref().map(|run| Key::new(Arc::clone(&config.namespace), run.to_string()));
            comment::Row {
                context: context.name(&config.name),
                state: decided.state,
                text: decided.text.to_string(),
                page: base.zip(run).map(|(base, run)| page_url(base, &run)),
            }
        };
        let rows: Vec<_> = statuses.iter().map(row).collect();
        let (of, context, key, head) = (book.config(), self.context.clone(), config.clone(), head.clone());
        self.tasks.spawn(async move {
            let sent = send::comment(&head, &numbers, &rows, &of, &context);
            let sent = sent.instrument(span::of_config(&of)).await;
            if let Sent::Failed { retry_after } = &sent {
                if let (Some(credential), Some(wait)) = (CredentialKey::for_config(&of), *retry_after) {
                    let now = Instant::now();
                    context.budgets().pause(&credential, now + wait, now);
                }
                tokio::time::sleep(RETRY_COMMENT).await;
            }
            Ended::Commented(key, head, statuses, sent)
        });
    }

    /// A comment that the host refuses for good is given up like a status.
    pub(super) fn commented(
        &mut self,
        config: &Key,
        head: &CommitSha,
        statuses: Vec<(StatusContext, Decided)>,
        sent: &Sent,
    ) {
        let waiting = self.commenting.remove(config).unwrap_or_default();
        let Some(book) = self.books.get(config).cloned() else { return };
        if !matches!(sent, Sent::Failed { .. }) {
            for (context, decided) in statuses {
                book.settle(head, &context, decided.state, &decided.text);
            }
            self.save(config);
        }
        for head in waiting {
            self.comment(config, &head);
        }
        if !self.is_stopping {
            self.review(&book);
        }
    }
}
