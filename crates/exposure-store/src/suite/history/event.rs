use std::collections::BTreeSet;

use exposure_core::{
    Admission, Admitted, Body, Dialect, EventTime, Exposure, Incoming, Kind, PropertyChange, Rules,
    Timestamp, admit,
};
use parking_lot::Mutex;

/// An event that owns what it says. Its texts are kept for ever, once each: it is for tests.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of an incoming event")]
pub struct Event {
    pub user: Option<&'static str>,
    pub device: Option<&'static str>,
    pub time: EventTime,
    pub sequence: i64,
    pub insert_id: Option<&'static str>,
    pub body: Body<'static>,
    pub changes: Vec<PropertyChange<'static>>,
    pub library: &'static str,
}

impl Event {
    /// An exposure of a user to a variant; `None` unsets.
    pub fn exposure(user: &str, flag: &str, variant: Option<&str>, time: Timestamp) -> Self {
        let exposure = Exposure {
            flag_key: Some(intern(flag)),
            variant: variant.map(intern),
            ..Exposure::default()
        };
        Self {
            user: Some(intern(user)),
            time: EventTime::At(time),
            body: Body::Exposure(exposure),
            ..Self::default()
        }
    }

    /// An event that says who somebody is: with a device, a login.
    pub fn login(user: &str, device: &str, time: Timestamp) -> Self {
        Self {
            user: Some(intern(user)),
            device: Some(intern(device)),
            time: EventTime::At(time),
            body: Body::Identify { kind: Kind::Identify, payload: &[] },
            ..Self::default()
        }
    }

    /// The same event of a device and no user.
    #[must_use]
    pub fn anonymous(self, device: &str) -> Self {
        Self { user: None, device: Some(intern(device)), ..self }
    }

    /// The same event with a device beside its user.
    #[must_use]
    pub fn on_device(self, device: &str) -> Self {
        Self { device: Some(intern(device)), ..self }
    }

    /// The same event with an insert id.
    #[must_use]
    pub fn with_insert_id(self, insert_id: &str) -> Self {
        Self { insert_id: Some(intern(insert_id)), ..self }
    }

    /// The event as a sender sends it.
    pub fn as_incoming(&self) -> Incoming<'_> {
        Incoming {
            user_id: self.user,
            device_id: self.device,
            time: self.time,
            sent: None,
            sequence: self.sequence,
            insert_id: self.insert_id,
            body: self.body,
            changes: &self.changes,
            ignored_properties: false,
            library: self.library,
        }
    }

    /// The event as it is admitted; `None` where it is refused or says it is no exposure.
    pub fn admitted(&self, received: Timestamp) -> Option<Admitted<'_>> {
        match admit(&self.as_incoming(), &Rules::new(Dialect::Native, received)) {
            Ok(Admission::Event(event)) => Some(event),
            Ok(Admission::Ignored) | Err(_) => None,
        }
    }
}

/// Keeps a text for ever, once.
pub fn intern(text: &str) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock();
    if let Some(held) = texts.get(text) {
        return held;
    }
    let kept: &'static str = Box::leak(Box::from(text));
    texts.insert(kept);
    kept
}
