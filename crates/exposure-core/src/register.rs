use std::collections::BTreeMap;

use crate::{Change, Effect, Timestamp, Version};

/// The state behind one property: the greatest version it was ever given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    time: Timestamp,
    sequence: i64,
    variant: Option<Box<str>>,
    experiment_key: Box<str>,
    insert_id: Box<str>,
}

impl Register {
    /// A register that holds this version.
    pub fn new(version: &Version<'_>) -> Self {
        Self {
            time: version.time,
            sequence: version.sequence,
            variant: version.change.variant().map(Into::into),
            experiment_key: version.experiment_key.into(),
            insert_id: version.insert_id.into(),
        }
    }

    /// The version it holds.
    pub fn version(&self) -> Version<'_> {
        Version {
            time: self.time,
            sequence: self.sequence,
            change: Change::to_variant(self.variant.as_deref()),
            experiment_key: &self.experiment_key,
            insert_id: &self.insert_id,
        }
    }

    /// The visible variant; `None` where the property is unset.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Keeps the greater of what it holds and `new`, and says what that did.
    pub fn merge(&mut self, new: &Version<'_>) -> Effect {
        let held = self.version();
        let effect = Effect::judge(Some(&held), new);
        if *new > held {
            *self = Self::new(new);
        }
        effect
    }
}

/// The registers of one profile, by flag key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers(BTreeMap<Box<str>, Register>);

impl Registers {
    /// Merges a version into a flag's register.
    pub fn merge(&mut self, flag: &str, version: &Version<'_>) -> Effect {
        if let Some(register) = self.0.get_mut(flag) {
            return register.merge(version);
        }
        self.0.insert(flag.into(), Register::new(version));
        Effect::judge(None, version)
    }

    /// Merges all of another profile's registers.
    pub fn merge_all(&mut self, other: &Self) {
        for (flag, register) in &other.0 {
            self.merge(flag, &register.version());
        }
    }

    /// A flag's register.
    pub fn get(&self, flag: &str) -> Option<&Register> {
        self.0.get(flag)
    }

    /// Every register, by flag key, tombstones too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Register)> {
        self.0.iter().map(|(flag, register)| (&**flag, register))
    }

    /// The visible properties: flag key and variant.
    pub fn visible(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter_map(|(flag, register)| Some((flag, register.variant()?)))
    }

    /// Drops what lies at or before a time.
    pub fn hide_until(&mut self, time: Timestamp) {
        self.0.retain(|_, register| register.time > time);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
