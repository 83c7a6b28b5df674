use exposure_core::json::{Malformed, Reader};
use exposure_core::{ErrorCode, Exposure, Metadata, MetadataError, Rejection, names};

use super::member;
use crate::Arena;
use crate::json::{fault_of_object, name_of};

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
    let Some(json) = properties else {
        return Properties::default().exposure(impression, names, arena);
    };
    let mut reader = Reader::new(json.as_bytes());
    let read = Properties::next(&mut reader, json, arena)
        .and_then(|properties| reader.end().map(|()| properties));
    let properties = read.map_err(|Malformed| {
        let error = fault_of_object(json);
        Rejection::new(ErrorCode::Invalid, "event_properties", format!("can not be read: {error}"))
    })?;
    properties.exposure(impression, names, arena)
}

/// What the properties of an event say, were it an exposure.
#[derive(Clone, Copy, Default)]
pub(crate) struct Properties<'b> {
    client: Parts<'b>,
    transformed: Parts<'b>,
    legacy_key: Option<&'b str>,
    metadata: Option<Result<Metadata<'b>, MetadataError>>,
}

impl<'b> Properties<'b> {
    /// Gathers those that the reader of `text` stands before.
    #[inline]
    pub(crate) fn next(
        reader: &mut Reader<'b>,
        text: &'b str,
        arena: &'b Arena,
    ) -> Result<Self, Malformed> {
        let mut found = Self::default();
        reader.object(|reader, name| {
            let name = name_of(name, text, arena)?;
            if name == "metadata" {
                let metadata = Metadata::next(reader, text.as_bytes())?;
                let is_null = metadata.is_ok_and(|it| it.json == b"null");
                found.metadata = (!is_null).then_some(metadata);
                return Ok(());
            }
            let json = Some(reader.value()?.of_text(text));
            match name {
                "flag_key" => found.client.flag_key = json,
                "variant" => found.client.variant = json,
                "experiment_key" => found.client.experiment_key = json,
                "key" => found.legacy_key = json,
                names::FLAG_KEY => found.transformed.flag_key = json,
                names::VARIANT => found.transformed.variant = json,
                names::EXPERIMENT_KEY => found.transformed.experiment_key = json,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The exposure.
    pub(crate) fn exposure(
        &self,
        impression: bool,
        names: Names,
        arena: &'b Arena,
    ) -> Result<Exposure<'b>, Rejection> {
        let Self { client, transformed, legacy_key, metadata } = *self;
        let legacy = Parts { flag_key: legacy_key, variant: client.variant, experiment_key: None };
        let sets = match names {
            Names::ClientFirst => [client, transformed, client],
            Names::TransformedFirst => [transformed, client, legacy],
        };
        let parts = sets.into_iter().find(Parts::is_named).unwrap_or_default();
        Ok(Exposure {
            flag_key: member::text("flag_key", parts.flag_key, arena)?,
            variant: member::text("variant", parts.variant, arena)?,
            experiment_key: member::text("experiment_key", parts.experiment_key, arena)?,
            metadata: metadata.unwrap_or(Ok(Metadata::default()))?,
            impression,
        })
    }
}
