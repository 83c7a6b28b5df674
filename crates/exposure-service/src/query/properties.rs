use std::time::Instant;

use exposure_core::{Owner, ProfileState, RawId, Register, Timestamp, names};

use crate::ownership::Lookup;
use crate::{Caller, Handle, Position, Result, Scope, ServiceError, meter};

/// A user, or a device that stands for the user of its latest link. With both ids the user
/// is meant; an empty id is an absent one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfileRef<'a> {
    /// The user.
    pub user_id: Option<&'a str>,
    /// The device.
    pub device_id: Option<&'a str>,
}

/// The visible experiment properties of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileProperties {
    /// Whose they are; shown as `user:…` or `device:…`.
    pub profile: Owner,
    /// The properties, by flag key.
    pub properties: Vec<Property>,
}

/// One visible experiment property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The flag; the property's own name is `[Experiment] ` and this.
    pub flag_key: Box<str>,
    /// The variant.
    pub variant: Box<str>,
    /// The effective time of the write that decides it.
    pub time: Timestamp,
    /// The run of the flag, where that write named one.
    pub experiment_key: Option<Box<str>>,
}

impl Property {
    /// The name of the user property: `[Experiment] <flag_key>`.
    pub fn name(&self) -> String {
        names::property(&self.flag_key)
    }

    pub(crate) fn of(flag: &str, register: &Register) -> Option<Self> {
        let version = register.version();
        Some(Self {
            flag_key: flag.into(),
            variant: version.change.variant()?.into(),
            time: version.time,
            experiment_key: Some(version.experiment_key)
                .filter(|key| !key.is_empty())
                .map(Into::into),
        })
    }
}

impl Handle {
    /// The properties of one user, or of the owner of one device.
    pub async fn properties(
        &self,
        caller: &Caller,
        profile: ProfileRef<'_>,
    ) -> Result<(ProfileProperties, Position)> {
        caller.require(Scope::Read)?;
        let started = Instant::now();
        // Taken first: what comes while reading is behind the position, so nothing is missed.
        let position = Position::at(&self.store().feed_end());
        let lookup = Lookup::new(self, caller.project());
        let answer = lookup.properties(profile).await?;
        meter::query("properties", started.elapsed());
        Ok((answer, position))
    }

    /// The properties of several users or devices, in the order asked.
    pub async fn batch_properties(
        &self,
        caller: &Caller,
        profiles: &[ProfileRef<'_>],
    ) -> Result<(Vec<ProfileProperties>, Position)> {
        caller.require(Scope::Read)?;
        let max = self.settings().max_batch_reads;
        if profiles.len() > max {
            return Err(ServiceError::new(
                exposure_core::ErrorCode::BatchTooLarge,
                format!("{} profiles are asked for; at most {max} may be at once", profiles.len()),
            ));
        }
        let started = Instant::now();
        let position = Position::at(&self.store().feed_end());
        let lookup = Lookup::new(self, caller.project());
        let mut answers = Vec::with_capacity(profiles.len());
        for &profile in profiles {
            answers.push(lookup.properties(profile).await?);
        }
        meter::query("batch_properties", started.elapsed());
        Ok((answers, position))
    }
}

impl Lookup<'_> {
    /// The profile that is meant.
    pub(crate) async fn find(&self, profile: ProfileRef<'_>) -> Result<ProfileState> {
        let user = profile.user_id.filter(|id| !id.is_empty());
        let device = profile.device_id.filter(|id| !id.is_empty());
        match (user, device) {
            (Some(user), _) => self.state(RawId::User(user)).await,
            (None, Some(device)) => self.reader_of(device).await,
            (None, None) => Err(ServiceError::missing(
                "user_id",
                "`user_id` is missing and so is `device_id`; name at least one of them",
            )),
        }
    }

    async fn properties(&self, profile: ProfileRef<'_>) -> Result<ProfileProperties> {
        let state = self.find(profile).await?;
        let registers = self.registers(&state).await?;
        let properties =
            registers.iter().filter_map(|(flag, register)| Property::of(flag, register)).collect();
        Ok(ProfileProperties { profile: state.id, properties })
    }
}
