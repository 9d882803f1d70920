//! What the tests of all hosts share.

use serde_json::Value;
use tidegate_model::{Event, Host};

use crate::ports::port;
use crate::{
    delivery::{Ignored, Outcome},
    normalise::normalise,
};

/// What a recorded payload says with some values changed, each named by its JSON pointer. A pointer to nothing adds the member.
pub(crate) fn said(
    host: Host,
    kind: &str,
    recorded: &str,
    changes: &[(&str, Value)],
) -> Result<Event, Ignored> {
    let mut payload: Value = serde_json::from_str(recorded).expect("recorded JSON");
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        payload.pointer_mut(parent).expect("the parent")[member] = value.clone();
    }
    let body = payload.to_string();
    match normalise((port(host).parse)(kind, body.as_bytes()).expect("readable")) {
        Outcome::Events(events) => {
            let [event] = <[Event; 1]>::try_from(events).expect("one event");
            Ok(event)
        }
        Outcome::Ignored(reason) => Err(reason),
    }
}
