//! What the commands of one comment come to together. What was done already is done: the same facts give the same decision.

use super::{
    cancel,
    command::ChatCommand,
    deciding::{Deciding, Decision, EDITED, LineVerdict, Verdict},
    facts::Facts,
    help_text,
    line::Line,
    ok_to_test,
    permission::{Commenter, PermissionDenied},
    retest, test,
};

/// Decides about every command of a comment. `None` when the comment was followed, and edited since.
pub fn decide(lines: &[Line], facts: &Facts<'_>) -> Option<Decision> {
    let mut deciding = Deciding::new(facts);
    let is_edited = facts.comment.is_edited;
    if is_edited && deciding.was_followed() {
        return None;
    }
    let mut verdict = |line: &Line| {
        if is_edited {
            return Verdict::Said(EDITED.to_owned());
        }
        deciding.command(line)
    };
    let answers =
        lines.iter().map(|line| LineVerdict { line: line.text.clone(), verdict: verdict(line) }).collect();
    Some(Decision { configs: deciding.wanted, answers })
}

impl Deciding<'_> {
    fn command(&mut self, line: &Line) -> Verdict {
        let command = match &line.outcome {
            Ok(command) => command,
            Err(problem) => return Verdict::Said(format!("{problem}. `/help` shows what there is")),
        };
        if *command == ChatCommand::Help {
            return Verdict::Said(help_text::text());
        }
        if !self.facts.is_open && !self.was_followed() {
            return Verdict::Said("the pull request is not open".to_owned());
        }
        let may_run = self.wanted.iter().any(|wanted| wanted.standing.may_run());
        let commenter = Commenter::new(self.facts.commenter, &self.facts.head.opener);
        if let Err(refusal) = command.who().judge(commenter, may_run) {
            return Verdict::Said(self.refused(refusal));
        }
        if self.wanted.is_empty() {
            return Verdict::Said(format!("nothing can run. {}", self.facts.unfit.join(". ")));
        }
        match command {
            ChatCommand::RunJobs { .. } | ChatCommand::RunFailed if !may_run => {
                Verdict::Said(self.refused(PermissionDenied::NeedsApproval))
            }
            ChatCommand::RunJobs { names } => test::mean(self, names),
            ChatCommand::RunFailed => retest::mean(self),
            ChatCommand::CancelJobs { names } => cancel::mean(self, names),
            ChatCommand::Approve { sha } => ok_to_test::mean(self, sha.as_ref()),
            ChatCommand::Help => Verdict::Done,
        }
    }
}
