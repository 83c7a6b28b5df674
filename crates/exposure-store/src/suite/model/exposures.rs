use std::collections::{BTreeMap, BTreeSet};

use exposure_core::{Owner, Timestamp};

use super::known::Known;
use super::replay::Model;
use crate::ProjectId;

/// Who saw a flag, under the links of today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagExposures {
    /// By variant; exposures that unset are none.
    pub variants: BTreeMap<String, VariantExposures>,
    /// Distinct profiles.
    pub profiles: u64,
    /// Those with two or more variants.
    pub jumpers: u64,
}

/// Who saw a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct VariantExposures {
    pub profiles: u64,
    pub exposures: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// One bucket of time, by variant.
pub type Bucket = BTreeMap<String, VariantBucket>;

/// What happened to a variant in a bucket of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VariantBucket {
    /// Profiles whose first exposure to it lies in the bucket.
    pub new_profiles: u64,
    /// Those of all buckets until the end of this one.
    pub cumulative_profiles: u64,
    /// Exposures in the bucket.
    pub exposures: u64,
}

impl Model {
    /// Exposures to some variant of a flag: variant, owner, time. Of one run where it is given.
    fn shown(
        &self,
        project: ProjectId,
        flag: &str,
        experiment_key: Option<&str>,
    ) -> Vec<(&str, Owner, Timestamp)> {
        let shown = |event: &'_ Known| {
            let exposed = event.exposed.as_ref()?;
            let is_asked = exposed.flag == flag
                && experiment_key.is_none_or(|key| exposed.experiment_key == key);
            is_asked.then_some(())
        };
        self.live(project)
            .filter(|event| shown(event).is_some())
            .filter_map(|event| {
                let variant = event.exposed.as_ref()?.variant.as_deref()?;
                Some((variant, self.owner(event), event.time))
            })
            .collect()
    }

    /// Unique profiles, exposures and jumpers of a flag.
    pub fn flag_exposures(
        &self,
        project: ProjectId,
        flag: &str,
        experiment_key: Option<&str>,
    ) -> FlagExposures {
        let shown = self.shown(project, flag, experiment_key);
        let owners: BTreeSet<&Owner> = shown.iter().map(|(_, owner, _)| owner).collect();
        let variants: BTreeSet<&str> = shown.iter().map(|(variant, ..)| *variant).collect();
        let variants_of = |owner: &Owner| {
            let of_owner = shown.iter().filter(|(_, held, _)| held == owner);
            of_owner.map(|(variant, ..)| *variant).collect::<BTreeSet<_>>().len()
        };
        let by_variant = variants.into_iter().filter_map(|variant| {
            let of_variant = || shown.iter().filter(|(held, ..)| *held == variant);
            let exposures = VariantExposures {
                profiles: of_variant().map(|(_, owner, _)| owner).collect::<BTreeSet<_>>().len()
                    as u64,
                exposures: of_variant().count() as u64,
                first: of_variant().map(|(.., time)| *time).min()?,
                last: of_variant().map(|(.., time)| *time).max()?,
            };
            Some((variant.to_owned(), exposures))
        });
        FlagExposures {
            variants: by_variant.collect(),
            profiles: owners.len() as u64,
            jumpers: owners.iter().filter(|owner| variants_of(owner) > 1).count() as u64,
        }
    }

    /// The same over time: bucket `i` lies between `starts[i]` and `starts[i + 1]`, the end not
    /// included; a profile is new to a variant at its first exposure to it.
    pub fn buckets(
        &self,
        project: ProjectId,
        flag: &str,
        experiment_key: Option<&str>,
        starts: &[Timestamp],
    ) -> Vec<Bucket> {
        let shown = self.shown(project, flag, experiment_key);
        let mut firsts: BTreeMap<(&str, &Owner), Timestamp> = BTreeMap::new();
        for (variant, owner, time) in &shown {
            let first = firsts.entry((variant, owner)).or_insert(*time);
            *first = (*first).min(*time);
        }
        let variants: BTreeSet<&str> = shown.iter().map(|(variant, ..)| *variant).collect();
        let bucket = |from: Timestamp, to: Timestamp| {
            let of = |variant: &str| {
                let firsts = || firsts.iter().filter(|((held, _), _)| *held == variant);
                let within = |time: Timestamp| from <= time && time < to;
                let of_variant = shown.iter().filter(|(held, ..)| *held == variant);
                VariantBucket {
                    new_profiles: firsts().filter(|(_, first)| within(**first)).count() as u64,
                    cumulative_profiles: firsts().filter(|(_, first)| **first < to).count() as u64,
                    exposures: of_variant.filter(|(.., time)| within(*time)).count() as u64,
                }
            };
            variants.iter().map(|variant| ((*variant).to_owned(), of(variant))).collect()
        };
        starts.windows(2).map(|pair| bucket(pair[0], pair[1])).collect()
    }
}
