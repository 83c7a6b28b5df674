//! The same values as generated messages, for comparing and for code that is not hot.

use bytes::Bytes;
use exposure_core::PropertyChange;

use super::{
    BodyRef, ClientAccountRef, DroppedCountRef, EventRef, ImportOptionsRef, IngestRequestRef,
    IngestStreamRequestRef, ProviderAccountRef,
};
use crate::v1;
use crate::v1::event::Body;

impl IngestRequestRef<'_> {
    /// The request as a generated message.
    pub fn to_message(&self) -> v1::IngestRequest {
        v1::IngestRequest {
            events: self
                .events
                .iter()
                .map(|event| event_message(event, self.writes(event)))
                .collect(),
            library: self.library.map(str::to_owned),
            import_options: self.import_options.map(ImportOptionsRef::to_message),
            request_id: self.request_id.map(str::to_owned),
            client_account: self.client_account.as_deref().map(ClientAccountRef::to_message),
        }
    }
}

impl IngestStreamRequestRef<'_> {
    /// The message of the stream as a generated one.
    pub fn to_message(&self) -> v1::IngestStreamRequest {
        v1::IngestStreamRequest {
            batch_id: self.batch_id,
            batch: self.has_batch.then(|| self.batch.to_message()),
        }
    }
}

impl ImportOptionsRef {
    fn to_message(self) -> v1::ImportOptions {
        v1::ImportOptions {
            min_id_length: self.min_id_length,
            received_us: self.received_us,
            dialect: self.dialect,
        }
    }
}

impl ClientAccountRef<'_> {
    fn to_message(&self) -> v1::ClientAccount {
        v1::ClientAccount {
            client_id: self.client_id.to_owned(),
            tracked_count: self.tracked_count,
            delivered_count: self.delivered_count,
            deduplicated_count: self.deduplicated_count,
            dropped_counts: self.dropped_counts.iter().map(dropped_message).collect(),
            pending_count: self.pending_count,
            recovered_count: self.recovered_count,
            providers: self.providers.iter().map(provider_message).collect(),
        }
    }
}

fn provider_message(provider: &ProviderAccountRef<'_>) -> v1::ProviderAccount {
    v1::ProviderAccount {
        name: provider.name.to_owned(),
        required: provider.required,
        offered_count: provider.offered_count,
        delivered_count: provider.delivered_count,
        dropped_counts: provider.dropped_counts.iter().map(dropped_message).collect(),
        pending_count: provider.pending_count,
    }
}

fn dropped_message(dropped: &DroppedCountRef) -> v1::DroppedCount {
    v1::DroppedCount { reason: dropped.reason, count: dropped.count }
}

fn event_message(event: &EventRef<'_>, writes: &[PropertyChange<'_>]) -> v1::Event {
    let writes = || writes.iter().map(write_message).collect();
    let json = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
    let body = match event.body {
        BodyRef::Missing => None,
        BodyRef::Exposure(exposure) => Some(Body::Exposure(v1::Exposure {
            flag_key: exposure.flag_key.map(str::to_owned),
            variant: exposure.variant.map(str::to_owned),
            experiment_key: exposure.experiment_key.map(str::to_owned),
            metadata: json(exposure.metadata),
            kind: exposure.kind,
            writes: writes(),
        })),
        BodyRef::Assignment(assignment) => Some(Body::Assignment(v1::Assignment {
            writes: writes(),
            properties: json(assignment.properties),
        })),
        BodyRef::Outcome(outcome) => Some(Body::Outcome(v1::Outcome {
            event_type: outcome.event_type.to_owned(),
            properties: json(outcome.properties),
            kind: outcome.kind,
            writes: writes(),
        })),
        BodyRef::Identify(identify) => Some(Body::Identify(v1::Identify {
            kind: identify.kind,
            writes: writes(),
            properties: json(identify.properties),
        })),
        BodyRef::Unread(unread) => Some(Body::Unread(v1::Unread {
            code: unread.code,
            field: unread.field.to_owned(),
            message: unread.message.to_owned(),
            event: json(unread.event),
        })),
    };
    v1::Event {
        user_id: event.user_id.map(str::to_owned),
        device_id: event.device_id.map(str::to_owned),
        insert_id: event.insert_id.map(str::to_owned),
        time_us: event.time_us,
        sequence: event.sequence,
        body,
        has_ignored_properties: event.has_ignored_properties,
    }
}

fn write_message(write: &PropertyChange<'_>) -> v1::PropertyWrite {
    v1::PropertyWrite {
        flag_key: write.flag_key.to_owned(),
        variant: write.variant.map(str::to_owned),
    }
}
