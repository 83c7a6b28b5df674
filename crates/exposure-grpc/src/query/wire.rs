//! Between the messages of `ExposureQueryService` and the service.

use exposure_core::Timestamp;
use exposure_proto::v1;
use exposure_service::{
    Bucket, BucketVariant, FlagSummary, Interval, ProfileBasis, ProfileEntry, ProfileQuery, Result,
    SeriesQuery, ServiceError, VariantSummary,
};

pub(super) fn series_query(request: v1::GetFlagExposuresRequest) -> Result<SeriesQuery> {
    let interval = match v1::Interval::try_from(request.interval) {
        Ok(v1::Interval::Unspecified | v1::Interval::Day) => Interval::Day,
        Ok(v1::Interval::Hour) => Interval::Hour,
        Err(unknown) => return Err(unknown_value("interval", unknown.0)),
    };
    Ok(SeriesQuery {
        flag_key: request.flag_key,
        interval,
        time_zone: request.time_zone,
        experiment_key: request.experiment_key,
        from: request.start_time_us.map(Timestamp::from_micros),
        to: request.end_time_us.map(Timestamp::from_micros),
    })
}

pub(super) fn profile_query(request: v1::ListProfilesRequest) -> Result<ProfileQuery> {
    let basis = match v1::ProfileBasis::try_from(request.basis) {
        Ok(v1::ProfileBasis::Unspecified | v1::ProfileBasis::Property) => ProfileBasis::Property,
        Ok(v1::ProfileBasis::Exposure) => ProfileBasis::Exposure,
        Err(unknown) => return Err(unknown_value("basis", unknown.0)),
    };
    Ok(ProfileQuery {
        flag_key: request.flag_key,
        variant: request.variant,
        basis,
        experiment_key: request.experiment_key,
    })
}

pub(super) fn flag(flag: FlagSummary) -> v1::Flag {
    v1::Flag {
        flag_key: flag.flag_key.into(),
        variants: flag.variants.into_iter().map(variant).collect(),
        profile_count: flag.profiles as i64,
        jumper_count: flag.jumpers as i64,
    }
}

fn variant(variant: VariantSummary) -> v1::FlagVariant {
    v1::FlagVariant {
        variant: variant.variant.into(),
        profile_count: variant.profiles as i64,
        exposure_count: variant.exposures as i64,
        first_time_us: variant.first_time.as_micros(),
        last_time_us: variant.last_time.as_micros(),
    }
}

pub(super) fn bucket(bucket: Bucket) -> v1::ExposureBucket {
    v1::ExposureBucket {
        start_time_us: bucket.start.as_micros(),
        variants: bucket.variants.into_iter().map(bucket_variant).collect(),
    }
}

fn bucket_variant(variant: BucketVariant) -> v1::VariantExposures {
    v1::VariantExposures {
        variant: variant.variant.into(),
        new_profile_count: variant.new_profiles as i64,
        cumulative_profile_count: variant.cumulative_profiles as i64,
        exposure_count: variant.exposures as i64,
    }
}

pub(super) fn profile_entry(entry: ProfileEntry) -> v1::ProfileEntry {
    v1::ProfileEntry {
        profile: entry.profile.to_string(),
        variant: entry.variant.into(),
        exposure_count: entry.exposures as i64,
        first_time_us: entry.first_time.map(Timestamp::as_micros),
        last_time_us: entry.last_time.map(Timestamp::as_micros),
    }
}

fn unknown_value(field: &'static str, number: i32) -> ServiceError {
    ServiceError::invalid(field, format!("`{field}` is {number}, which this server does not know"))
}
