use exposure_core::{
    AnonymousWrite, DeviceLinks, DeviceShare, Limits, Links, Owner, ProfileState, RawId, Registers,
    Timestamp, user_registers,
};
use exposure_store::{ProjectId, Result, Store, StoredEvent};

/// Whom an event of a device and no user belongs to, by the core's rules.
pub async fn owner_of(
    store: &dyn Store,
    project: ProjectId,
    device: &str,
    time: Timestamp,
    limits: &Limits,
) -> Result<Owner> {
    let links = Device::read(store, project, device).await?.links();
    Ok(match links {
        Some(links) => links.owner_at(time, limits.users_per_device).owner(device),
        None => Owner::Device(device.into()),
    })
}

/// Who answers for a raw id, and its registers: the store's profiles and histories put
/// together by the core, with no shortcut.
pub async fn properties(
    store: &dyn Store,
    project: ProjectId,
    id: RawId<'_>,
    limits: &Limits,
) -> Result<(Owner, Registers)> {
    let owner = match id {
        RawId::User(_) => id.to_owner(),
        RawId::Device(device) => match Device::read(store, project, device).await?.links() {
            Some(links) => links.reader(limits.users_per_device).owner(device),
            None => id.to_owner(),
        },
    };
    let own = store.profile(project, owner.as_raw()).await?;
    let own = own.unwrap_or_else(|| ProfileState::empty(owner.clone()));
    let Owner::User(user) = &owner else {
        return Ok((owner, own.registers));
    };
    let mut devices = Vec::new();
    for device in &own.devices {
        devices.push(Device::read(store, project, device).await?);
    }
    let split: Vec<_> = devices
        .iter()
        .map(|device| (device, device.links().unwrap_or_default(), device.anonymous()))
        .collect();
    let shares = split.iter().filter_map(|(device, links, writes)| match device.state.links {
        DeviceLinks::One(_) => Some(DeviceShare::All(&device.state.registers)),
        DeviceLinks::Many(_) => Some(DeviceShare::Split { links, writes }),
        DeviceLinks::None | DeviceLinks::Shared => None,
    });
    let registers = user_registers(user, &own.registers, shares, limits.users_per_device);
    Ok((owner, registers))
}

/// A device with all its events.
struct Device {
    state: ProfileState,
    history: Vec<StoredEvent>,
}

impl Device {
    async fn read(store: &dyn Store, project: ProjectId, device: &str) -> Result<Self> {
        let id = RawId::Device(device);
        let state = store.profile(project, id).await?;
        let state = state.unwrap_or_else(|| ProfileState::empty(id.to_owner()));
        Ok(Self { state, history: store.history(project, id).await? })
    }

    /// Its links; `None` for a shared device, which may have been one before an erase.
    fn links(&self) -> Option<Links> {
        let mut links = Links::default();
        for event in &self.history {
            if let Some(user) = &event.user {
                links.add(event.time, user);
            }
        }
        (self.state.links != DeviceLinks::Shared).then_some(links)
    }

    fn anonymous(&self) -> Vec<AnonymousWrite<'_>> {
        let anonymous = self.history.iter().filter(|event| event.user.is_none());
        anonymous
            .flat_map(|event| {
                event.writes.iter().map(|write| AnonymousWrite {
                    flag: &write.flag,
                    version: event.version(write),
                })
            })
            .collect()
    }
}
