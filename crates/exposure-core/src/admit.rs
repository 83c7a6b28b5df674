use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{
    Admitted, Body, Change, DeviceId, Dialect, ErrorCode, ExperimentKey, Exposure, FlagKey, Ids,
    Incoming, InsertId, Kind, Note, PropertyChange, Rejection, Rules, Subject, UserId, Variant,
    Write, effective_time, text,
};

/// What admission says of an event that is not refused.
#[derive(Clone, Debug)]
pub enum Admission<'a> {
    /// It is stored.
    Event(Admitted<'a>),
    /// It says of itself that it is no exposure: accepted, and nothing is kept.
    Ignored,
}

/// Checks an event and fixes its effective time.
#[inline]
pub fn admit<'a>(incoming: &Incoming<'a>, rules: &Rules) -> Result<Admission<'a>, Rejection> {
    // Whoever sent it: there is nothing to check in what is not kept.
    if matches!(incoming.body, Body::Ignored) {
        return Ok(Admission::Ignored);
    }
    let ids = ids(incoming, rules)?;
    let (time, mut notes) = effective_time(incoming.time, incoming.sent, rules);
    let insert_id = incoming.insert_id.map_or(Ok(None), InsertId::new)?;
    let (subject, payload) = match incoming.body {
        Body::Exposure(exposure) => {
            if exposure.metadata.is_not_tracked {
                return Ok(Admission::Ignored);
            }
            (exposure_subject(&exposure, rules)?, exposure.metadata.json)
        }
        Body::Ignored => return Ok(Admission::Ignored),
        Body::Assignment { payload } => (Subject::Plain(Kind::Assignment), payload),
        Body::Identify { kind, payload } => (Subject::Plain(kind), payload),
        Body::Outcome { kind, event_type, payload } => {
            let event_type = event_type.filter(|name| !name.is_empty()).ok_or_else(|| {
                Rejection::new(ErrorCode::Missing, "event_type", "is missing; name what happened")
            })?;
            (
                Subject::Outcome { kind, event_type: text::check_text("event_type", event_type)? },
                payload,
            )
        }
    };
    let mut ignored = incoming.ignored_properties;
    let extra = if incoming.changes.is_empty() {
        Vec::new()
    } else {
        extra_writes(incoming.changes, &subject, rules, &mut ignored)?
    };
    if ignored {
        notes.insert(Note::IgnoredProperties);
    }
    Ok(Admission::Event(Admitted {
        ids,
        time,
        sequence: incoming.sequence,
        insert_id,
        subject,
        extra,
        payload,
        notes,
        library: incoming.library,
    }))
}

#[inline]
fn ids<'a>(incoming: &Incoming<'a>, rules: &Rules) -> Result<Ids<'a>, Rejection> {
    let user = incoming.user_id.filter(|id| !id.is_empty());
    let device = incoming.device_id.filter(|id| !id.is_empty());
    match (user, device) {
        (Some(user), None) => UserId::new(user, rules.min_id_chars).map(Ids::User),
        (None, Some(device)) => DeviceId::new(device, rules.min_id_chars).map(Ids::Device),
        (Some(user), Some(device)) => both_ids(user, device, rules),
        (None, None) => Err(nobody()),
    }
}

fn both_ids<'a>(user: &'a str, device: &'a str, rules: &Rules) -> Result<Ids<'a>, Rejection> {
    let user = UserId::new(user, rules.min_id_chars);
    let device = DeviceId::new(device, rules.min_id_chars);
    match (user, device) {
        (Ok(user), Ok(device)) => Ok(Ids::Both(user, device)),
        (Ok(user), Err(_)) if rules.dialect == Dialect::Foreign => Ok(Ids::User(user)),
        (Err(_), Ok(device)) if rules.dialect == Dialect::Foreign => Ok(Ids::Device(device)),
        (Err(rejection), _) | (_, Err(rejection)) => Err(rejection),
    }
}

#[cold]
fn nobody() -> Rejection {
    Rejection::new(
        ErrorCode::Missing,
        "user_id",
        "is missing and so is `device_id`; send at least one of them",
    )
}

#[inline]
fn exposure_subject<'a>(exposure: &Exposure<'a>, rules: &Rules) -> Result<Subject<'a>, Rejection> {
    let flag = exposure.flag_key.ok_or_else(|| {
        Rejection::new(
            ErrorCode::Missing,
            "flag_key",
            "is missing; name the flag that was evaluated",
        )
    })?;
    let flag = FlagKey::new("flag_key", flag)?;
    let variant = match exposure.variant {
        // Those SDKs say "no variant" with an empty one.
        Some("") if rules.dialect != Dialect::Native => None,
        Some(variant) => Some(Variant::new("variant", variant)?),
        None => None,
    };
    let experiment_key = exposure.experiment_key.map_or(Ok(None), ExperimentKey::new)?;
    let kind = if exposure.impression { Kind::Impression } else { Kind::Exposure };
    let writes = !exposure.metadata.is_mutual_exclusion_group;
    Ok(Subject::Exposure { kind, flag, variant, experiment_key, writes })
}

/// Changes that are looked through one by one; more are found by their flag, so that an event
/// of a million changes does not cost their square.
const FEW: usize = 16;

/// The writes beside an exposure's own: one a flag, a set over an unset.
#[inline(never)]
fn extra_writes<'a>(
    changes: &[PropertyChange<'a>],
    subject: &Subject<'a>,
    rules: &Rules,
    ignored: &mut bool,
) -> Result<Vec<Write<'a>>, Rejection> {
    let mut writes: Vec<Write<'a>> = Vec::new();
    let mut places = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        // An empty value of a foreign property says nothing.
        if change.variant == Some("") && rules.dialect != Dialect::Native {
            continue;
        }
        let write = match write(change) {
            Ok(write) => write,
            Err(rejection) if rules.dialect == Dialect::Native => {
                let field = format!("writes[{index}].{}", rejection.field);
                return Err(Rejection { field: Cow::Owned(field), ..rejection });
            }
            // A foreign property that can not be ours is another property.
            Err(_) => {
                *ignored = true;
                continue;
            }
        };
        // An exposure's own variant and its `$set` are the same write.
        if matches!(subject, Subject::Exposure { flag, .. } if *flag == write.flag) {
            continue;
        }
        let held = if changes.len() <= FEW {
            writes.iter().position(|held| held.flag == write.flag)
        } else {
            places.get(&write.flag).copied()
        };
        match held.and_then(|at| writes.get_mut(at)) {
            Some(held) if write.change != Change::Unset => *held = write,
            Some(_) => {}
            None => {
                if changes.len() > FEW {
                    places.insert(write.flag, writes.len());
                }
                writes.push(write);
            }
        }
    }
    Ok(writes)
}

fn write<'a>(change: &PropertyChange<'a>) -> Result<Write<'a>, Rejection> {
    let flag = FlagKey::new("flag_key", change.flag_key)?;
    let change = match change.variant {
        Some(variant) => Change::Set(Variant::new("variant", variant)?),
        None => Change::Unset,
    };
    Ok(Write { flag, change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    /// One write a flag, a set over an unset, whether the changes are few or many.
    #[test]
    fn changes_of_one_flag_are_one_write() {
        let flags: Vec<String> = (0..40).map(|n| format!("flag-{n}")).collect();
        for n in [3, FEW / 2, FEW, 40] {
            let unset =
                flags[..n].iter().map(|flag| PropertyChange { flag_key: flag, variant: None });
            let set = flags[..n]
                .iter()
                .step_by(2)
                .map(|flag| PropertyChange { flag_key: flag, variant: Some("on") });
            let changes: Vec<_> = set.clone().chain(unset).chain(set).collect();
            let incoming = Incoming {
                user_id: Some("user-1"),
                body: Body::Assignment { payload: &[] },
                changes: &changes,
                ..Incoming::default()
            };
            let rules = Rules::new(Dialect::Native, Timestamp::EARLIEST_EVENT);
            let Ok(Admission::Event(event)) = admit(&incoming, &rules) else {
                panic!("it is admitted")
            };
            let found: BTreeMap<_, _> = event
                .extra
                .iter()
                .map(|write| (write.flag.as_str(), write.change.variant()))
                .collect();
            assert_eq!(found.len(), event.extra.len(), "each flag once");
            for (index, flag) in flags[..n].iter().enumerate() {
                assert_eq!(found[&**flag], (index % 2 == 0).then_some("on"), "{flag} of {n}");
            }
        }
    }
}
