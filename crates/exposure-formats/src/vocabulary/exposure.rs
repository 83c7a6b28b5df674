use exposure_core::{Exposure, Metadata, Rejection, names};

use super::forms::each;
use super::member;
use crate::Arena;

/// Which of the names an exposure's properties go by are looked for first.
///
/// Clients send `flag_key`; the same event, transformed, has `[Experiment] Flag Key`; and the
/// oldest clients sent transformed events with `key`. Names of different sets are never mixed:
/// an exposure without a variant must not take one from a property that means something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of clients, then the transformed ones.
    ClientFirst,
    /// The transformed ones, then those of clients, then those of the oldest clients.
    TransformedFirst,
}

impl Names {
    /// Those that events of this type have.
    pub(crate) fn of(event_type: &str) -> Self {
        if event_type.starts_with(names::PROPERTY_PREFIX) {
            Self::TransformedFirst
        } else {
            Self::ClientFirst
        }
    }
}

/// The three parts of an exposure under one set of names, as they were written.
#[derive(Clone, Copy, Default)]
struct Parts<'b> {
    flag_key: Option<&'b str>,
    variant: Option<&'b str>,
    experiment_key: Option<&'b str>,
}

impl Parts<'_> {
    fn is_named(&self) -> bool {
        self.flag_key.is_some_and(|json| json != "null")
    }
}

/// Reads an exposure from the properties of its event.
pub(crate) fn read<'b>(
    properties: Option<&'b str>,
    impression: bool,
    names: Names,
    arena: &'b Arena,
) -> Result<Exposure<'b>, Rejection> {
    let (mut client, mut transformed) = (Parts::default(), Parts::default());
    let (mut legacy_key, mut metadata) = (None, None);
    each(properties, arena, |name, json| match name {
        "flag_key" => client.flag_key = Some(json),
        "variant" => client.variant = Some(json),
        "experiment_key" => client.experiment_key = Some(json),
        "key" => legacy_key = Some(json),
        "metadata" => metadata = Some(json),
        names::FLAG_KEY => transformed.flag_key = Some(json),
        names::VARIANT => transformed.variant = Some(json),
        names::EXPERIMENT_KEY => transformed.experiment_key = Some(json),
        _ => {}
    })?;
    let legacy = Parts { flag_key: legacy_key, variant: client.variant, experiment_key: None };
    let sets = match names {
        Names::ClientFirst => [client, transformed, client],
        Names::TransformedFirst => [transformed, client, legacy],
    };
    let parts = sets.into_iter().find(Parts::is_named).unwrap_or_default();
    let metadata = metadata.filter(|&json| json != "null");
    Ok(Exposure {
        flag_key: member::text("flag_key", parts.flag_key, arena)?,
        variant: member::text("variant", parts.variant, arena)?,
        experiment_key: member::text("experiment_key", parts.experiment_key, arena)?,
        metadata: metadata
            .map_or(Ok(Metadata::default()), |json| Metadata::parse(json.as_bytes()))?,
        impression,
    })
}
