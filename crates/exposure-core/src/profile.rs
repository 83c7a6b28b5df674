use crate::{Owner, Registers, SeenTable, Timestamp};

/// What is kept of one raw id: a user or a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileState {
    /// The user or the device.
    pub id: Owner,
    /// The registers that writes naming it landed in. Those of a device are its users', by its links.
    pub registers: Registers,
    /// First, last and count of exposures naming it, owned as the registers are.
    pub seen: SeenTable,
    /// Of a device: what retention left it for its own, which no link moves any more.
    pub settled: Settled,
    /// Of a user: the devices ever linked to it, in no order that means anything.
    pub devices: Vec<Box<str>>,
    /// Of a device: a summary of its links.
    pub links: DeviceLinks,
    /// Everything of it at or before this time is erased.
    pub erased_until: Option<Timestamp>,
}

/// What a device keeps for itself of writes and exposures whose stored events are gone: no user
/// was seen on it when they went, or too many were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The greatest of those writes.
    pub registers: Registers,
    /// First, last and count of those exposures.
    pub seen: SeenTable,
}

impl Settled {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.seen.is_empty()
    }
}

/// What is known of a device's links without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceLinks {
    /// No user was ever seen on it.
    #[default]
    None,
    /// One user: every anonymous write of the device is theirs.
    One(LinkSpan),
    /// Several users, in order of their ids: its links and its stored writes decide.
    Many(Vec<LinkSpan>),
    /// More users than a device of one's own has: its anonymous writes stay its own.
    Shared,
}

/// From when to when a user was seen on a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkSpan {
    /// The user.
    pub user: Box<str>,
    /// The time of the earliest link.
    pub earliest: Timestamp,
    /// The time of the latest link.
    pub latest: Timestamp,
}

impl DeviceLinks {
    /// Adds a link and says whether owners may differ now. A device that became a shared one stays one.
    pub fn add(&mut self, user: &str, time: Timestamp, users_per_device: usize) -> bool {
        let span = || LinkSpan { user: user.into(), earliest: time, latest: time };
        match self {
            Self::None => *self = Self::One(span()),
            Self::One(held) if *held.user == *user => return held.widen(time),
            Self::One(held) => {
                let mut users = vec![held.clone(), span()];
                users.sort();
                *self =
                    if users.len() > users_per_device { Self::Shared } else { Self::Many(users) };
            }
            // Between the links of others, a link matters also within its user's span.
            Self::Many(users) => match users.binary_search_by(|held| (*held.user).cmp(user)) {
                Ok(at) => {
                    if let Some(held) = users.get_mut(at) {
                        held.widen(time);
                    }
                }
                Err(_) if users.len() >= users_per_device => *self = Self::Shared,
                Err(at) => users.insert(at, span()),
            },
            Self::Shared => return false,
        }
        true
    }

    /// The users' spans, in order of their ids; none for a shared device.
    pub fn spans(&self) -> &[LinkSpan] {
        match self {
            Self::None | Self::Shared => &[],
            Self::One(span) => std::slice::from_ref(span),
            Self::Many(spans) => spans,
        }
    }
}

impl LinkSpan {
    fn widen(&mut self, time: Timestamp) -> bool {
        let before = (self.earliest, self.latest);
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time);
        before != (self.earliest, self.latest)
    }
}

impl ProfileState {
    /// What answers for the raw id itself: all of a user's, and of a device what is not its
    /// users' by its links.
    pub fn own(&self) -> (Registers, SeenTable) {
        let mut own = (self.settled.registers.clone(), self.settled.seen.clone());
        if matches!(self.links, DeviceLinks::None | DeviceLinks::Shared) {
            own.0.merge_all(&self.registers);
            own.1.add_all(&self.seen);
        }
        own
    }

    /// A profile that nothing is known of.
    pub fn empty(id: Owner) -> Self {
        Self {
            id,
            registers: Registers::default(),
            seen: SeenTable::default(),
            settled: Settled::default(),
            devices: Vec::new(),
            links: DeviceLinks::None,
            erased_until: None,
        }
    }
}
