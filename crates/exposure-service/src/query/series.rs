use std::collections::BTreeMap;
use std::time::Instant;

use exposure_core::Timestamp;

use super::series_count::Counts;
use crate::ownership::Lookup;
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Page, Position, Result, Scope, ServiceError, meter};

/// Which exposures over time are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesQuery {
    /// The flag; required.
    pub flag_key: String,
    /// The length of a bucket.
    pub interval: Interval,
    /// The IANA time zone in which buckets begin; empty is UTC.
    pub time_zone: String,
    /// Only this run of the flag; an empty one means exposures that named none.
    pub experiment_key: Option<String>,
    /// The first moment to count. What is before it is as if it had never been.
    pub from: Option<Timestamp>,
    /// The first moment not to count.
    pub to: Option<Timestamp>,
}

/// The length of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interval {
    /// A civil day of the time zone, mostly 23 to 25 hours long.
    #[default]
    Day,
    /// An hour of the wall clock.
    Hour,
}

/// The exposures of a flag over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagExposures {
    /// A page of the buckets in which something happened, by time.
    pub buckets: Vec<Bucket>,
    /// Distinct profiles with an exposure to any variant in the range.
    pub profiles: u64,
    /// Profiles with exposures to two or more variants in the range.
    pub jumpers: u64,
    /// Continues the buckets; empty at their end.
    pub next_page_token: String,
    /// The position at which it was true.
    pub position: Position,
}

/// One bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its first moment.
    pub start: Timestamp,
    /// The variants seen up to its end, by name.
    pub variants: Vec<BucketVariant>,
}

/// The exposures to one variant within a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketVariant {
    /// The variant.
    pub variant: Box<str>,
    /// Profiles whose first exposure to the variant is in the bucket.
    pub new_profiles: u64,
    /// Profiles whose first exposure to the variant is in this bucket or an earlier one.
    pub cumulative_profiles: u64,
    /// Its exposures in the bucket.
    pub exposures: u64,
}

impl Handle {
    /// Unique profiles and exposures of a flag over time, by variant.
    pub async fn flag_exposures(
        &self,
        caller: &Caller,
        asked: &SeriesQuery,
        page: &Page,
    ) -> Result<FlagExposures> {
        caller.require(Scope::Read)?;
        if asked.flag_key.is_empty() {
            return Err(ServiceError::missing("flag_key", "`flag_key` is missing; name the flag"));
        }
        if let (Some(from), Some(to)) = (asked.from, asked.to)
            && from > to
        {
            return Err(ServiceError::invalid("end_time_us", "the range ends before it begins"));
        }
        let started = Instant::now();
        let query = asked.page_query(caller);
        let limit = page.limit(Bounds::LONG)?;
        let begin = query.place(page)?.map(|mut place| place.number()).transpose()?;
        let begin = begin.map_or(Timestamp::MIN, |micros| Timestamp::from_micros(micros as i64));
        let mut counts = Counts::new(asked)?;
        let _permit = self.begin_scan()?;
        let position = Position::at(&self.store().feed_end());
        let lookup = Lookup::new(self, caller.project());
        counts.count_profiles(&lookup).await?;
        counts.count_exposures(&lookup).await?;
        let (profiles, jumpers) = (counts.profiles, counts.jumpers);
        let mut buckets = running_totals(counts);
        buckets.retain(|bucket| bucket.start >= begin);
        let next_page_token = match buckets.get(limit) {
            Some(next) => query.token(Writer::default().number(next.start.as_micros() as u64)),
            None => String::new(),
        };
        buckets.truncate(limit);
        meter::query("flag_exposures", started.elapsed());
        Ok(FlagExposures { buckets, profiles, jumpers, next_page_token, position })
    }
}

impl SeriesQuery {
    fn page_query(&self, caller: &Caller) -> Query {
        let micros = |time: Option<Timestamp>| time.map(|time| time.as_micros().to_string());
        Query::new("series", caller.project())
            .with(Some(&self.flag_key))
            .with(Some(if self.interval == Interval::Day { "day" } else { "hour" }))
            .with(Some(&self.time_zone))
            .with(self.experiment_key.as_deref())
            .with(micros(self.from).as_deref())
            .with(micros(self.to).as_deref())
    }
}

/// Each bucket with every variant seen up to its end.
fn running_totals(counts: Counts<'_>) -> Vec<Bucket> {
    let mut totals: BTreeMap<Box<str>, u64> = BTreeMap::new();
    let buckets = counts.buckets.into_iter().map(|(start, variants)| {
        for (variant, counted) in &variants {
            match totals.get_mut(variant) {
                Some(total) => *total += counted.new_profiles,
                None => {
                    totals.insert(variant.clone(), counted.new_profiles);
                }
            }
        }
        let variants = totals.iter().map(|(variant, &cumulative_profiles)| {
            let counted = variants.get(variant);
            BucketVariant {
                variant: variant.clone(),
                new_profiles: counted.map_or(0, |counted| counted.new_profiles),
                cumulative_profiles,
                exposures: counted.map_or(0, |counted| counted.exposures),
            }
        });
        Bucket { start, variants: variants.collect() }
    });
    buckets.collect()
}
