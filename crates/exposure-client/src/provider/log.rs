use std::fmt;
use std::io::{self, Write};

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{Batch, Delivery, ExposureProvider, SendError, async_trait};
use crate::{Exposure, ExposureKind};

/// Writes exposures as lines of JSON, to standard output or to whatever else can be written to;
/// or hands them to the log.
///
/// A line has the members of [`Exposure`], without those that are absent:
/// `{"time_us":…,"sequence":…,"insert_id":"…","user_id":"…","flag_key":"…","variant":"…"}`.
pub struct LogProvider(Sink);

enum Sink {
    Lines(Mutex<Box<dyn Write + Send>>),
    Tracing,
}

impl LogProvider {
    /// Writes lines to standard output.
    pub fn stdout() -> Self {
        Self::lines(io::stdout())
    }

    /// Writes lines to this; a line that can not be written is tried again.
    pub fn lines(writer: impl Write + Send + 'static) -> Self {
        Self(Sink::Lines(Mutex::new(Box::new(writer))))
    }

    /// Hands each exposure to `tracing`, at level info, without the ids of user and device.
    pub fn tracing() -> Self {
        Self(Sink::Tracing)
    }
}

#[async_trait]
impl ExposureProvider for LogProvider {
    fn name(&self) -> &'static str {
        "log"
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        match &self.0 {
            Sink::Lines(writer) => {
                let mut text = String::new();
                for exposure in batch.exposures() {
                    text.push_str(&line(exposure));
                    text.push('\n');
                }
                let mut writer = writer.lock();
                let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
                written
                    .map_err(|error| SendError::unavailable(format!("can not write: {error}")))?;
            }
            Sink::Tracing => {
                for exposure in batch.exposures() {
                    tracing::info!(
                        flag_key = &*exposure.flag_key,
                        variant = exposure.variant.as_deref(),
                        experiment_key = exposure.experiment_key.as_deref(),
                        insert_id = %exposure.insert_id,
                        "exposure"
                    );
                }
            }
        }
        Ok(batch.all(Delivery::Delivered))
    }
}

fn line(exposure: &Exposure) -> String {
    let mut members = Map::new();
    members.insert("time_us".into(), exposure.time.as_micros().into());
    members.insert("sequence".into(), exposure.sequence.into());
    members.insert("insert_id".into(), exposure.insert_id.to_string().into());
    let texts = [
        ("user_id", &exposure.user_id),
        ("device_id", &exposure.device_id),
        ("variant", &exposure.variant),
        ("experiment_key", &exposure.experiment_key),
    ];
    members.insert("flag_key".into(), (*exposure.flag_key).into());
    for (name, text) in texts {
        if let Some(text) = text {
            members.insert(name.into(), (**text).into());
        }
    }
    if exposure.kind() == ExposureKind::Impression {
        members.insert("kind".into(), "impression".into());
    }
    let metadata = exposure.metadata.as_ref();
    if let Some(metadata) = metadata.and_then(|metadata| serde_json::from_str(metadata.json()).ok())
    {
        members.insert("metadata".into(), metadata);
    }
    Value::Object(members).to_string()
}

impl fmt::Debug for LogProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sink = match &self.0 {
            Sink::Lines(_) => "lines",
            Sink::Tracing => "tracing",
        };
        f.debug_tuple("LogProvider").field(&sink).finish()
    }
}
