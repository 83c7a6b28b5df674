//! Between the messages of `PropertyService` and the service.

use bytes::Bytes;
use exposure_proto::v1;
use exposure_proto::v1::watch_user_properties_response::Entry;
use exposure_service::{
    ChangeCause, Position, ProfileProperties, ProfileRef, Property, WatchEntry, WatchFrom,
    WatchItem,
};

pub(super) fn profile_ref<'a>(
    user_id: Option<&'a str>,
    device_id: Option<&'a str>,
) -> ProfileRef<'a> {
    ProfileRef { user_id, device_id }
}

pub(super) fn user_properties(of: ProfileProperties) -> v1::UserProperties {
    v1::UserProperties {
        profile: of.profile.to_string(),
        properties: of.properties.into_iter().map(property).collect(),
    }
}

fn property(property: Property) -> v1::Property {
    v1::Property {
        flag_key: property.flag_key.into(),
        variant: property.variant.into(),
        time_us: property.time.as_micros(),
        experiment_key: property.experiment_key.map(Into::into),
    }
}

/// A position as the bytes that answers carry.
pub(crate) fn position(position: Position) -> Bytes {
    position.into_bytes().into()
}

pub(super) fn watch_from(request: &v1::WatchUserPropertiesRequest) -> WatchFrom {
    match &request.cursor {
        Some(cursor) => WatchFrom::Cursor(Position::from_bytes(cursor.to_vec())),
        None if request.snapshot => WatchFrom::Snapshot,
        None => WatchFrom::Now,
    }
}

pub(super) fn watch_item(item: WatchItem) -> v1::WatchUserPropertiesResponse {
    v1::WatchUserPropertiesResponse {
        cursor: item.cursor.map(position).unwrap_or_default(),
        entry: Some(entry(item.entry)),
    }
}

fn entry(entry: WatchEntry) -> Entry {
    match entry {
        WatchEntry::Snapshot { profile, property: held } => {
            Entry::SnapshotEntry(v1::SnapshotEntry {
                profile: profile.to_string(),
                property: Some(property(held)),
            })
        }
        WatchEntry::SnapshotDone { entries } => {
            Entry::SnapshotDone(v1::SnapshotDone { entry_count: entries as i64 })
        }
        WatchEntry::Change { profile, flag_key, variant, time, experiment_key, cause } => {
            Entry::PropertyChange(v1::PropertyChange {
                profile: profile.to_string(),
                flag_key: flag_key.into(),
                variant: variant.map(Into::into),
                time_us: time.as_micros(),
                experiment_key: experiment_key.map(Into::into),
                cause: match cause {
                    ChangeCause::Write => v1::ChangeCause::Write,
                    ChangeCause::Link => v1::ChangeCause::Link,
                }
                .into(),
            })
        }
        WatchEntry::Erased { profile, until } => Entry::ProfileErased(v1::ProfileErased {
            profile: profile.to_string(),
            erase_time_us: until.as_micros(),
        }),
        WatchEntry::Progress => Entry::Progress(v1::Progress {}),
    }
}
