use std::collections::BTreeMap;

use exposure_proto::v1;

/// One exposure or unset that a client sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) user: String,
    pub(super) flag: String,
    /// `None` unsets.
    pub(super) variant: Option<String>,
    pub(super) time_us: i64,
    pub(super) insert_id: String,
    /// Whether the server said that it is durable.
    pub(super) is_acknowledged: bool,
    /// Whether it said too that the property changed by it.
    pub(super) is_visible: bool,
}

/// What a profile's flag may be.
#[derive(Clone, Debug, Default)]
pub(super) struct History<'j> {
    pub(super) all: Vec<&'j Sent>,
    /// The latest that must be there.
    pub(super) acknowledged: Option<&'j Sent>,
}

impl Sent {
    pub(super) fn event(&self) -> v1::Event {
        let exposure = v1::Exposure {
            flag_key: Some(self.flag.clone()),
            variant: self.variant.clone(),
            ..v1::Exposure::default()
        };
        v1::Event {
            user_id: Some(self.user.clone()),
            insert_id: Some(self.insert_id.clone()),
            time_us: Some(self.time_us),
            body: Some(v1::event::Body::Exposure(exposure)),
            ..v1::Event::default()
        }
    }
}

/// What was sent, by user and flag.
pub(super) fn histories(journal: &[Sent]) -> BTreeMap<(&str, &str), History<'_>> {
    let mut histories = BTreeMap::<_, History<'_>>::new();
    for sent in journal {
        let history = histories.entry((sent.user.as_str(), sent.flag.as_str())).or_default();
        history.all.push(sent);
        let is_later = history.acknowledged.is_none_or(|it| it.time_us < sent.time_us);
        if sent.is_acknowledged && is_later {
            history.acknowledged = Some(sent);
        }
    }
    histories
}
