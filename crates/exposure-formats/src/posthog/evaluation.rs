//! `$feature_flag_called` and `$experiment_exposure`: a flag was read.

use exposure_core::{Body, Exposure, Rejection};

use super::message::Flag;
use crate::Arena;
use crate::vocabulary::{experiment, metadata};

/// Which of the two an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// `$feature_flag_called`.
    Called,
    /// `$experiment_exposure`.
    Exposed,
}

impl Evaluation {
    pub(super) fn of(event_type: &str) -> Option<Self> {
        match event_type {
            "$feature_flag_called" => Some(Self::Called),
            "$experiment_exposure" => Some(Self::Exposed),
            _ => None,
        }
    }

    /// Reads what was seen. An evaluation that failed or found no flag is no exposure.
    ///
    /// A read that an SDK tells with both events, it tells in this one with the variant of the
    /// experiment, which no other `$feature_flag_called` has. So the pair counts once, also if
    /// its halves come in different requests or on different days.
    pub(super) fn read<'b>(self, flag: &Flag<'b>, arena: &'b Arena) -> Result<Body<'b>, Rejection> {
        let said = |json: Option<&'b str>| json.filter(|&json| json != "\"\"");
        let told_by_the_other = self == Self::Called && flag.variant_key.is_some();
        if said(flag.error).is_some() || told_by_the_other {
            return Ok(Body::Ignored);
        }
        let variant = match self {
            Self::Called => said(flag.response),
            Self::Exposed => said(flag.variant_key).or_else(|| said(flag.response)),
        };
        let Some(variant) = variant else { return Ok(Body::Ignored) };
        Ok(Body::Exposure(Exposure {
            flag_key: experiment::name("flag_key", flag.key, arena)?,
            variant: experiment::name("variant", Some(variant), arena)?,
            experiment_key: None,
            metadata: metadata("metadata", about(flag, arena))?,
            impression: false,
        }))
    }
}

/// What else is said of the flag, as JSON; it names no run.
fn about<'b>(flag: &Flag<'b>, arena: &'b Arena) -> Option<&'b str> {
    let members = [
        ("$feature_flag_id", flag.id),
        ("$feature_flag_version", flag.version),
        ("$feature_flag_reason", flag.reason),
        ("$feature_flag_rule_id", flag.rule_id),
        ("$feature_flag_request_id", flag.request_id),
    ];
    let said: Vec<_> = members
        .into_iter()
        .filter_map(|(name, json)| Some(format!("\"{name}\":{}", json?)))
        .collect();
    (!said.is_empty()).then(|| arena.text(&format!("{{{}}}", said.join(","))))
}
