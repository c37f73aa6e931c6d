//! The first step that differs.

use std::fmt;

use serde::Serialize;

use super::case::{Done, Outcome, Seen};

/// Where two outcomes first differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `step 3`, `the tail`, `the final image`.
    pub place: String,
    /// What we saw there.
    pub ours: String,
    /// What was recorded.
    pub theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} differs", self.place)?;
        writeln!(f, "    ours:   {}", self.ours)?;
        write!(f, "    theirs: {}", self.theirs)
    }
}

/// The first difference between our outcome and a recorded one, if there is any.
///
/// Where the recording does not know which request it saw, any of those it names will do; where
/// QEMU left uninitialised bytes, bytes are not compared.
#[must_use]
pub fn compare(ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
    let bytes = !theirs.undefined_bytes && !ours.undefined_bytes;
    let count = ours.steps.len().max(theirs.steps.len());
    for index in 0..count {
        let none = Vec::new();
        let ours = ours.steps.get(index).unwrap_or(&none);
        let theirs = theirs.steps.get(index).unwrap_or(&none);
        if !same_list(ours, theirs, bytes) {
            return Some(difference(format!("step {index}"), ours, theirs));
        }
    }
    if !same_list(&ours.tail, &theirs.tail, bytes) {
        return Some(difference("the tail".to_owned(), &ours.tail, &theirs.tail));
    }
    if bytes && theirs.image.is_some() && ours.image != theirs.image {
        let place = "the final image".to_owned();
        return Some(difference(place, &ours.image, &theirs.image));
    }
    None
}

/// Whether one step's list agrees with a recorded one.
pub(super) fn agrees(ours: &[Seen], theirs: &[Seen], bytes: bool) -> bool {
    same_list(ours, theirs, bytes)
}

fn difference(place: String, ours: &impl Serialize, theirs: &impl Serialize) -> Difference {
    Difference { place, ours: text(ours), theirs: text(theirs) }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what was read can be written")
}

fn same_list(ours: &[Seen], theirs: &[Seen], bytes: bool) -> bool {
    let mut swaps = Vec::new();
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs, bytes, &mut swaps))
}

fn same(ours: &Seen, theirs: &Seen, bytes: bool, swaps: &mut Vec<(u64, u64)>) -> bool {
    match (ours, theirs) {
        (Seen::Done(ours), Seen::Done(theirs)) => {
            let Done { req, ret, data, ambiguous } = theirs;
            same_request(ours.req, *req, ambiguous, swaps)
                && ours.ret == *ret
                // A recording without bytes says nothing about them.
                && (!bytes || data.is_none() || ours.data == *data)
        }
        (
            Seen::Suspended { tag: our_tag, req: our_req, .. },
            Seen::Suspended { tag, req, ambiguous },
        ) => our_tag == tag && same_request(*our_req, *req, ambiguous, swaps),
        (Seen::Flush { ret: ours }, Seen::Flush { ret: theirs }) => ours == theirs || theirs == "?",
        (Seen::Resuming { .. } | Seen::Cmd { .. } | Seen::State { .. }, _) => ours == theirs,
        (Seen::Done(_) | Seen::Suspended { .. } | Seen::Flush { .. }, _) => false,
    }
}

/// Whether our request can be theirs. Where they took one request for another, the other one is
/// theirs from there on to the end of the step: `swaps`.
fn same_request(
    ours: Option<u64>,
    theirs: Option<u64>,
    ambiguous: &[u64],
    swaps: &mut Vec<(u64, u64)>,
) -> bool {
    let Some(theirs) = theirs else {
        return ambiguous.is_empty() || ours.is_some_and(|ours| ambiguous.contains(&ours));
    };
    let Some(ours) = ours else { return false };
    let swapped = swaps.iter().find_map(|(a, b)| match theirs {
        theirs if theirs == *a => Some(*b),
        theirs if theirs == *b => Some(*a),
        _ => None,
    });
    if ours == swapped.unwrap_or(theirs) {
        return true;
    }
    let could_be = swapped.is_none() && ambiguous.contains(&ours);
    if could_be {
        swaps.push((theirs, ours));
    }
    could_be
}
