use exposure_core::Limits;
use serde::{Deserialize, Serialize};

use crate::{Result, ServiceError};

/// What a project asks for; absent members have the server's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// The shortest id, in characters, 1 to 1024. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_id_chars: Option<usize>,
    /// Flags it may have, 1 to 100,000. Default 1500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_flags: Option<usize>,
    /// How far in the future an event may lie, in microseconds, up to a day. Default ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_future_skew_micros: Option<i64>,
}

const DAY_MICROS: i64 = 86_400_000_000;
const MAX_FLAGS: usize = 100_000;

impl ProjectSettings {
    pub(crate) fn check(&self) -> Result<()> {
        if self.min_id_chars.is_some_and(|chars| !(1..=Limits::TEXT_CHARS).contains(&chars)) {
            return Err(ServiceError::invalid(
                "settings.min_id_length",
                format!("`min_id_length` must be 1 to {}", Limits::TEXT_CHARS),
            ));
        }
        if self.max_flags.is_some_and(|flags| !(1..=MAX_FLAGS).contains(&flags)) {
            return Err(ServiceError::invalid(
                "settings.max_flag_count",
                format!("`max_flag_count` must be 1 to {MAX_FLAGS}"),
            ));
        }
        if self.max_future_skew_micros.is_some_and(|skew| !(0..=DAY_MICROS).contains(&skew)) {
            return Err(ServiceError::invalid(
                "settings.max_future_skew_ms",
                "`max_future_skew_ms` must be 0 to 86400000, a day",
            ));
        }
        Ok(())
    }
}
