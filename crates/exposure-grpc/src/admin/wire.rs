//! Between the messages of `AdminService` and the service.

use exposure_core::Timestamp;
use exposure_proto::convert::{core_code, wire_code};
use exposure_proto::v1;
use exposure_service::{
    ApiKey, ProjectInfo, ProjectSettings, RejectFilter, RejectedEvent, Result, Scope, Scopes,
    ServiceError,
};
use exposure_store::{DedupeTier, EffectTier, FeedTier, KeyId, UsageTier};

pub(super) fn project(project: ProjectInfo) -> v1::Project {
    v1::Project {
        project_id: project.name,
        display_name: project.display_name,
        create_time_us: project.created.as_micros(),
        settings: Some(v1::ProjectSettings {
            min_id_length: project.settings.min_id_chars.map(|chars| chars as i32),
            max_flag_count: project.settings.max_flags.map(|flags| flags as i32),
            max_future_skew_ms: project.settings.max_future_skew_micros.map(|skew| skew / 1000),
            max_device_user_count: None,
        }),
    }
}

pub(super) fn project_settings(settings: Option<v1::ProjectSettings>) -> Result<ProjectSettings> {
    let Some(settings) = settings else { return Ok(ProjectSettings::default()) };
    if settings.max_device_user_count.is_some() {
        return Err(ServiceError::invalid(
            "settings.max_device_user_count",
            "`max_device_user_count` can not be set for a project, because the store has one \
             bound for all of them; leave it out, and start the server with `max_device_users` \
             for another bound than 1000",
        ));
    }
    // What does not fit becomes zero, or the greatest skew: the service refuses both by name.
    let size = |size: i32| usize::try_from(size).unwrap_or_default();
    Ok(ProjectSettings {
        min_id_chars: settings.min_id_length.map(size),
        max_flags: settings.max_flag_count.map(size),
        max_future_skew_micros: settings.max_future_skew_ms.map(|ms| ms.saturating_mul(1000)),
    })
}

pub(super) fn api_key(key: ApiKey) -> v1::ApiKey {
    let scope = |scope| match scope {
        Scope::Ingest => v1::Scope::Ingest,
        Scope::Read => v1::Scope::Read,
        Scope::Admin => v1::Scope::Admin,
    };
    v1::ApiKey {
        key_id: key.id.to_string(),
        project_id: key.project,
        display_name: key.display_name,
        scopes: key.scopes.iter().map(|held| scope(held).into()).collect(),
        create_time_us: key.created.as_micros(),
        revoke_time_us: key.revoked.map(Timestamp::as_micros),
    }
}

pub(super) fn scopes(numbers: &[i32]) -> Result<Scopes> {
    let scope = |&number| match v1::Scope::try_from(number) {
        Ok(v1::Scope::Ingest) => Ok(Scope::Ingest),
        Ok(v1::Scope::Read) => Ok(Scope::Read),
        Ok(v1::Scope::Admin) => Ok(Scope::Admin),
        Ok(v1::Scope::Unspecified) | Err(_) => Err(ServiceError::invalid(
            "scopes",
            format!("`scopes` holds {number}; it may hold ingest (1), read (2) and admin (3)"),
        )),
    };
    numbers.iter().map(scope).collect()
}

pub(super) fn key_id(text: &str) -> Result<KeyId> {
    if text.is_empty() {
        return Err(ServiceError::missing("key_id", "`key_id` is missing; name the key"));
    }
    let number = text.parse().map_err(|_| {
        ServiceError::not_found(format!("key `{text}` does not exist; ids of keys are numbers"))
    })?;
    Ok(KeyId(number))
}

pub(super) fn reject_filter(code: i32, library: Option<String>) -> Result<RejectFilter> {
    let code = v1::ErrorCode::try_from(code).map_err(|unknown| {
        let message = format!("`code` is {}, which this server does not know", unknown.0);
        ServiceError::invalid("code", message)
    })?;
    Ok(RejectFilter { code: core_code(code), library })
}

pub(super) fn rejected_event(event: RejectedEvent) -> v1::RejectedEvent {
    v1::RejectedEvent {
        receive_time_us: event.received.as_micros(),
        code: wire_code(event.code).into(),
        field: event.field,
        message: event.message,
        user_id: event.user_id,
        device_id: event.device_id,
        event_kind: event.kind,
        flag_key: event.flag_key,
        insert_id: event.insert_id,
        key_id: event.key.to_string(),
        library: event.library,
    }
}

pub(super) const fn effects(tier: EffectTier) -> &'static str {
    match tier {
        EffectTier::Exact => "exact",
        EffectTier::Observed => "observed",
        EffectTier::None => "none",
    }
}

pub(super) const fn dedupe(tier: DedupeTier) -> &'static str {
    match tier {
        DedupeTier::Exact => "exact",
        DedupeTier::Claimed => "claimed",
        DedupeTier::Eventual => "eventual",
    }
}

pub(super) const fn usage(tier: UsageTier) -> &'static str {
    match tier {
        UsageTier::AtOnce => "at once",
        UsageTier::ClosedBuckets => "closed buckets",
    }
}

pub(super) const fn feed(tier: FeedTier) -> &'static str {
    match tier {
        FeedTier::EveryChange => "every change",
        FeedTier::LatestPerKey => "latest per key",
    }
}
