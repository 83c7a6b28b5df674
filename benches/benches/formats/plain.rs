//! An upload as a struct whose members are what we need: what general parsers make of it.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Upload<'a> {
    #[serde(borrow)]
    pub(crate) api_key: Cow<'a, str>,
    pub(crate) events: Vec<Event<'a>>,
}

#[expect(clippy::struct_field_names, reason = "the wire names them so")]
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    pub(crate) event_type: Cow<'a, str>,
    pub(crate) user_id: Option<Cow<'a, str>>,
    pub(crate) device_id: Option<Cow<'a, str>>,
    pub(crate) time: Option<i64>,
    pub(crate) event_id: Option<i64>,
    pub(crate) insert_id: Option<Cow<'a, str>>,
    pub(crate) library: Option<Cow<'a, str>>,
    pub(crate) event_properties: Option<Properties<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Properties<'a> {
    #[serde(borrow)]
    pub(crate) flag_key: Option<Cow<'a, str>>,
    pub(crate) variant: Option<Cow<'a, str>>,
    pub(crate) experiment_key: Option<Cow<'a, str>>,
    pub(crate) metadata: Option<Metadata<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    #[serde(borrow)]
    pub(crate) flag_type: Option<Cow<'a, str>>,
    pub(crate) track_exposure: Option<bool>,
}

impl Upload<'_> {
    /// Looks at every member, so that none is left out.
    pub(crate) fn weight(&self) -> usize {
        let length = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
        let of_event = |event: &Event<'_>| {
            let properties = event.event_properties.as_ref().map_or(0, |it| {
                let metadata = it.metadata.as_ref().map_or(0, |metadata| {
                    length(&metadata.flag_type) + usize::from(metadata.track_exposure.is_some())
                });
                length(&it.flag_key) + length(&it.variant) + length(&it.experiment_key) + metadata
            });
            event.event_type.len()
                + length(&event.user_id)
                + length(&event.device_id)
                + length(&event.insert_id)
                + length(&event.library)
                + usize::from(event.time < event.event_id)
                + properties
        };
        self.api_key.len() + self.events.iter().map(of_event).sum::<usize>()
    }
}
