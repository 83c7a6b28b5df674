use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use exposure_service::{ProfileRef, Scope};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::auth::caller;
use crate::error::Failure;
use crate::request::Shared;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    user_id: Option<String>,
    device_id: Option<String>,
}

/// The experiment properties of one user, or of the owner of one device.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    profile: String,
    properties: BTreeMap<String, Box<str>>,
}

/// `GET /v1/properties?user_id=&device_id=`
pub(crate) async fn properties(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Answer>, Failure> {
    let caller = caller(&shared.handle, &headers, Scope::Read)?;
    let profile =
        ProfileRef { user_id: asked.user_id.as_deref(), device_id: asked.device_id.as_deref() };
    let (found, _) = shared.handle.properties(&caller, profile).await?;
    let properties = found.properties.into_iter();
    Ok(Json(Answer {
        profile: found.profile.to_string(),
        properties: properties.map(|property| (property.name(), property.variant)).collect(),
    }))
}
