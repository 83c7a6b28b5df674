use std::collections::BTreeSet;

use exposure_core::{Body, Exposure, Incoming};

use super::evaluation::Evaluation;

/// Whose evaluation, of what, with what result.
type Seen<'b> = (Option<&'b str>, Option<&'b str>, Option<&'b str>, Option<&'b str>);

/// Of two events of one body that tell one read of a flag, `$experiment_exposure` counts.
///
/// SDKs mark the other one, see [`Evaluation::read`]; this is for those that only send both.
pub(super) fn without_twins<'b>(events: &mut [(Option<Evaluation>, &mut Incoming<'b>)]) {
    let exposed: BTreeSet<Seen<'b>> = events
        .iter()
        .filter(|(evaluation, _)| *evaluation == Some(Evaluation::Exposed))
        .filter_map(|(_, event)| seen(event))
        .collect();
    if exposed.is_empty() {
        return;
    }
    for (evaluation, event) in events {
        let is_told = seen(event).is_some_and(|seen| exposed.contains(&seen));
        if *evaluation == Some(Evaluation::Called) && is_told {
            event.body = Body::Ignored;
        }
    }
}

fn seen<'b>(event: &Incoming<'b>) -> Option<Seen<'b>> {
    match event.body {
        Body::Exposure(Exposure { flag_key, variant, .. }) => {
            Some((event.user_id, event.device_id, flag_key, variant))
        }
        _ => None,
    }
}
