use crate::Arena;
use crate::json::each_member;

/// The members of an event, or of the batch around some, as they were written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message<'b> {
    pub(super) batch: Option<&'b str>,
    pub(super) key: Option<&'b str>,
    pub(super) sent_at: Option<&'b str>,
    pub(super) event: Option<&'b str>,
    pub(super) distinct_id: Option<&'b str>,
    pub(super) properties: Option<&'b str>,
    pub(super) timestamp: Option<&'b str>,
    pub(super) offset: Option<&'b str>,
    pub(super) uuid: Option<&'b str>,
    pub(super) set: Option<&'b str>,
    pub(super) set_once: Option<&'b str>,
    pub(super) unset: Option<&'b str>,
    pub(super) options: Option<&'b str>,
}

impl<'b> Message<'b> {
    /// Reads an object. A member that is given twice counts as given last, and `null` is absent.
    pub(super) fn read(json: &'b str, arena: &'b Arena) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        each_member(json, arena, |name, json| {
            let member = match name {
                "batch" => &mut message.batch,
                "api_key" | "token" | "$token" => &mut message.key,
                "sent_at" | "sentAt" => &mut message.sent_at,
                "event" => &mut message.event,
                "distinct_id" | "$distinct_id" => &mut message.distinct_id,
                "properties" => &mut message.properties,
                "timestamp" => &mut message.timestamp,
                "offset" => &mut message.offset,
                "uuid" => &mut message.uuid,
                "$set" => &mut message.set,
                "$set_once" => &mut message.set_once,
                "$unset" => &mut message.unset,
                "options" => &mut message.options,
                _ => return,
            };
            *member = Some(json).filter(|&json| json != "null");
        })?;
        Ok(message)
    }
}

/// The members of an event's `properties` that are looked at, as they were written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Properties<'b> {
    pub(super) token: Option<&'b str>,
    pub(super) distinct_id: Option<&'b str>,
    pub(super) device_id: Option<&'b str>,
    pub(super) anonymous_id: Option<&'b str>,
    pub(super) alias: Option<&'b str>,
    pub(super) insert_id: Option<&'b str>,
    pub(super) is_identified: Option<&'b str>,
    pub(super) library: Option<&'b str>,
    pub(super) library_version: Option<&'b str>,
    pub(super) ignore_sent_at: Option<&'b str>,
    pub(super) set: Option<&'b str>,
    pub(super) set_once: Option<&'b str>,
    pub(super) unset: Option<&'b str>,
    pub(super) flag: Flag<'b>,
}

/// What an event says of the evaluation of a flag.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flag<'b> {
    pub(super) key: Option<&'b str>,
    pub(super) response: Option<&'b str>,
    pub(super) variant_key: Option<&'b str>,
    pub(super) error: Option<&'b str>,
    pub(super) id: Option<&'b str>,
    pub(super) version: Option<&'b str>,
    pub(super) reason: Option<&'b str>,
    pub(super) rule_id: Option<&'b str>,
    pub(super) request_id: Option<&'b str>,
}

impl<'b> Properties<'b> {
    /// Reads an object.
    pub(super) fn read(json: &'b str, arena: &'b Arena) -> Result<Self, serde_json::Error> {
        let mut properties = Self::default();
        each_member(json, arena, |name, json| {
            let member = match name {
                "token" | "$token" => &mut properties.token,
                "distinct_id" => &mut properties.distinct_id,
                "$device_id" => &mut properties.device_id,
                "$anon_distinct_id" => &mut properties.anonymous_id,
                "alias" => &mut properties.alias,
                "$insert_id" => &mut properties.insert_id,
                "$is_identified" => &mut properties.is_identified,
                "$lib" => &mut properties.library,
                "$lib_version" => &mut properties.library_version,
                "$ignore_sent_at" => &mut properties.ignore_sent_at,
                "$set" => &mut properties.set,
                "$set_once" => &mut properties.set_once,
                "$unset" => &mut properties.unset,
                "$feature_flag" => &mut properties.flag.key,
                "$feature_flag_response" => &mut properties.flag.response,
                "$feature_flag_variant_key" => &mut properties.flag.variant_key,
                "$feature_flag_error" => &mut properties.flag.error,
                "$feature_flag_id" => &mut properties.flag.id,
                "$feature_flag_version" => &mut properties.flag.version,
                "$feature_flag_reason" => &mut properties.flag.reason,
                "$feature_flag_rule_id" => &mut properties.flag.rule_id,
                "$feature_flag_request_id" => &mut properties.flag.request_id,
                _ => return,
            };
            *member = Some(json).filter(|&json| json != "null");
        })?;
        Ok(properties)
    }
}
