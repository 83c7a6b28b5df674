//! An explanation as a message.

use exposure_proto::convert::wire_lost;
use exposure_proto::v1;
use exposure_service::{
    DuplicateEvent, DuplicateSummary, ExplainedLink, ExplainedWrite, Explanation, LostWrite,
};

use crate::property::position;

pub(super) fn explanation(of: Explanation) -> v1::ExplainResponse {
    v1::ExplainResponse {
        profile: of.profile.to_string(),
        flag_key: of.flag_key.into(),
        variant: of.variant.map(Into::into),
        decided_by: of.decided_by.map(write),
        lost: of.lost.into_iter().map(lost).collect(),
        links: of.links.into_iter().map(link).collect(),
        duplicates: Some(duplicates(of.duplicates)),
        shared_device_ids: of.shared_devices.into_iter().map(Into::into).collect(),
        next_page_token: of.next_page_token,
        position: position(of.position),
    }
}

fn lost(lost: LostWrite) -> v1::LostWrite {
    v1::LostWrite { write: Some(write(lost.write)), reason: wire_lost(lost.reason).into() }
}

fn write(write: ExplainedWrite) -> v1::Write {
    let event = write.event;
    let receive_time_us = event.as_ref().map(|event| event.received.as_micros());
    let key_id = event.as_ref().map(|event| event.key.to_string());
    let (kind, library, payload) = match event {
        Some(event) => (event.kind, event.library, event.payload),
        None => ("", Box::default(), Box::default()),
    };
    v1::Write {
        variant: write.variant.map(Into::into),
        time_us: write.time.as_micros(),
        sequence: write.sequence,
        experiment_key: write.experiment_key.map(Into::into),
        insert_id: write.insert_id.map(Into::into),
        user_id: write.user_id.map(Into::into),
        device_id: write.device_id.map(Into::into),
        event_kind: kind.to_owned(),
        receive_time_us,
        key_id,
        library: (!library.is_empty()).then(|| library.into()),
        metadata: (!payload.is_empty()).then(|| payload.into_vec().into()),
    }
}

fn link(link: ExplainedLink) -> v1::Link {
    v1::Link {
        device_id: link.device_id.into(),
        user_id: link.user_id.into(),
        time_us: link.time.as_micros(),
    }
}

fn duplicates(of: DuplicateSummary) -> v1::Duplicates {
    v1::Duplicates {
        duplicate_count: of.count as i64,
        last: of.last.into_iter().map(duplicate).collect(),
    }
}

fn duplicate(event: DuplicateEvent) -> v1::DuplicateEvent {
    v1::DuplicateEvent {
        insert_id: event.insert_id.into(),
        receive_time_us: event.received.as_micros(),
        conflict: event.conflict,
    }
}
