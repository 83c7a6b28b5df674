use exposure_core::{ErrorCode, Owner, RawId, Timestamp};
use exposure_store::{KeyId, StoredReject};

use crate::intake::Described;
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope};

/// Which rejected events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectFilter {
    /// Only those of this reason.
    pub code: Option<ErrorCode>,
    /// Only those of this sender library.
    pub library: Option<String>,
}

/// An event that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedEvent {
    /// When it was received.
    pub received: Timestamp,
    /// Why.
    pub code: ErrorCode,
    /// The field; empty where no single one is at fault.
    pub field: String,
    /// What was wrong and what would be right.
    pub message: String,
    /// The user it named.
    pub user_id: Option<String>,
    /// The device it named.
    pub device_id: Option<String>,
    /// Its kind; empty where it could not be read.
    pub kind: String,
    /// The flag it named.
    pub flag_key: Option<String>,
    /// Its insert id.
    pub insert_id: Option<String>,
    /// The key it came with.
    pub key: KeyId,
    /// Its sender library, or empty.
    pub library: String,
    /// What is kept of the event: JSON of its main fields, or the first KiB as it came.
    pub event: Vec<u8>,
}

impl Handle {
    /// The events that were rejected last, newest first.
    pub async fn rejected_events(
        &self,
        caller: &Caller,
        filter: &RejectFilter,
        page: &Page,
    ) -> Result<Listing<RejectedEvent>> {
        caller.require(Scope::Admin)?;
        let query = Query::new("rejected", caller.project())
            .with(filter.code.map(ErrorCode::as_str))
            .with(filter.library.as_deref());
        let limit = page.limit(Bounds::SHORT)?;
        let mut below = query.place(page)?.map(|mut place| place.number()).transpose()?;
        let position = Position::at(&self.store().feed_end());
        let mut items = Vec::new();
        loop {
            let rejects = self.store().rejects(caller.project(), below, CHUNK).await?;
            let is_last = rejects.len() < CHUNK;
            for reject in rejects {
                if items.len() == limit {
                    let next_page_token =
                        query.token(Writer::default().number(below.unwrap_or(u64::MAX)));
                    return Ok(Listing { items, next_page_token, position });
                }
                below = Some(reject.position);
                if filter.admits(&reject) {
                    items.push(RejectedEvent::of(reject));
                }
            }
            if is_last {
                return Ok(Listing { items, next_page_token: String::new(), position });
            }
        }
    }
}

/// How many rejects are read at once: most filters find enough in one.
const CHUNK: usize = 1000;

impl RejectFilter {
    fn admits(&self, reject: &StoredReject) -> bool {
        self.code.is_none_or(|code| code == reject.code)
            && self.library.as_ref().is_none_or(|library| **library == *reject.library)
    }
}

impl RejectedEvent {
    fn of(reject: StoredReject) -> Self {
        let described = Described::from_bytes(&reject.event);
        let (user, device) = match reject.named.as_ref().map(Owner::as_raw) {
            Some(RawId::User(user)) => (Some(user.to_owned()), None),
            Some(RawId::Device(device)) => (None, Some(device.to_owned())),
            None => (None, None),
        };
        Self {
            received: reject.received,
            code: reject.code,
            field: reject.field.into(),
            message: reject.message.into(),
            user_id: user.or(described.user_id),
            device_id: device.or(described.device_id),
            kind: described.kind,
            flag_key: described.flag_key,
            insert_id: described.insert_id,
            key: reject.key,
            library: reject.library.into(),
            event: reject.event.into(),
        }
    }
}
