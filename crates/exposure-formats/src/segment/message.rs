use crate::Arena;
use crate::json::{each_member, pick};

/// The members of a call, or of the batch around some, as they were written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message<'b> {
    pub(super) batch: Option<&'b str>,
    pub(super) write_key: Option<&'b str>,
    pub(super) sent_at: Option<&'b str>,
    pub(super) context: Option<&'b str>,
    pub(super) kind: Option<&'b str>,
    pub(super) event: Option<&'b str>,
    pub(super) name: Option<&'b str>,
    pub(super) user_id: Option<&'b str>,
    pub(super) anonymous_id: Option<&'b str>,
    pub(super) previous_id: Option<&'b str>,
    /// `messageId`.
    pub(super) id: Option<&'b str>,
    pub(super) timestamp: Option<&'b str>,
    pub(super) original_timestamp: Option<&'b str>,
    pub(super) properties: Option<&'b str>,
    pub(super) traits: Option<&'b str>,
    pub(super) merge_properties: Option<&'b str>,
    /// RudderStack's: every one of its SDKs says it.
    pub(super) channel: Option<&'b str>,
}

impl<'b> Message<'b> {
    /// Reads an object. A member that is given twice counts as given last, and `null` is absent.
    pub(super) fn read(json: &'b str, arena: &'b Arena) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        each_member(json, arena, |name, json| {
            let member = match name {
                "batch" => &mut message.batch,
                "writeKey" => &mut message.write_key,
                "sentAt" => &mut message.sent_at,
                "context" => &mut message.context,
                "type" => &mut message.kind,
                "event" => &mut message.event,
                "name" => &mut message.name,
                "userId" => &mut message.user_id,
                "anonymousId" => &mut message.anonymous_id,
                "previousId" => &mut message.previous_id,
                "messageId" => &mut message.id,
                "timestamp" => &mut message.timestamp,
                "originalTimestamp" => &mut message.original_timestamp,
                "properties" => &mut message.properties,
                "traits" => &mut message.traits,
                "mergeProperties" => &mut message.merge_properties,
                "channel" => &mut message.channel,
                _ => return,
            };
            *member = Some(json).filter(|&json| json != "null");
        })?;
        Ok(message)
    }
}

/// What a `context` says of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context<'b> {
    /// `device.id`.
    pub(super) device_id: Option<&'b str>,
    pub(super) library: Option<&'b str>,
    pub(super) traits: Option<&'b str>,
}

impl<'b> Context<'b> {
    /// Reads a `context`; one that can not be read says nothing.
    pub(super) fn read(json: Option<&'b str>, arena: &'b Arena) -> Self {
        let members = |json: Option<&'b str>| json.filter(|json| json.starts_with('{'));
        let Some(json) = members(json) else { return Self::default() };
        let Ok([device, library, traits]) = pick(json, arena, ["device", "library", "traits"])
        else {
            return Self::default();
        };
        let device_id =
            members(device).and_then(|json| pick(json, arena, ["id"]).ok()).and_then(|[id]| id);
        let said = |json: Option<&'b str>| json.filter(|&json| json != "null");
        Self { device_id: said(device_id), library: said(library), traits: said(traits) }
    }

    /// This context with what it does not say taken from the one of the batch around it.
    pub(super) fn or(self, batch: Self) -> Self {
        Self {
            device_id: self.device_id.or(batch.device_id),
            library: self.library.or(batch.library),
            traits: self.traits.or(batch.traits),
        }
    }
}
