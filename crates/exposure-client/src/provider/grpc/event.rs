use exposure_proto::v1;

use crate::provider::Batch;
use crate::{Exposure, ExposureKind};

/// A batch as the protocol has it.
pub(super) fn request(batch: &Batch, library: &str) -> v1::IngestRequest {
    v1::IngestRequest {
        events: batch.exposures().iter().map(|exposure| event(exposure)).collect(),
        library: Some(library.to_owned()),
        ..v1::IngestRequest::default()
    }
}

fn event(exposure: &Exposure) -> v1::Event {
    let owned = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    let kind = match exposure.kind() {
        ExposureKind::Exposure => v1::ExposureKind::Exposure,
        ExposureKind::Impression => v1::ExposureKind::Impression,
    };
    let metadata = exposure.metadata.as_ref().map(|metadata| metadata.json().to_owned().into());
    v1::Event {
        user_id: owned(&exposure.user_id),
        device_id: owned(&exposure.device_id),
        insert_id: Some(exposure.insert_id.to_string()),
        time_us: Some(exposure.time.as_micros()),
        sequence: exposure.sequence,
        body: Some(v1::event::Body::Exposure(v1::Exposure {
            flag_key: Some(exposure.flag_key.as_ref().to_owned()),
            variant: owned(&exposure.variant),
            experiment_key: owned(&exposure.experiment_key),
            metadata,
            kind: kind.into(),
            writes: Vec::new(),
        })),
        has_ignored_properties: false,
    }
}
