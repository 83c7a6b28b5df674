use exposure_proto::v1;
use exposure_proto::v1::property_service_server::PropertyService;
use exposure_service::{Handle, ProfileRef, Scope};
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status};

use super::watch;
use super::wire::{position, profile_ref, user_properties, watch_from};
use crate::Settings;
use crate::auth::{api_key, authenticate, caller};
use crate::deadline::deadline;
use crate::drain::Drain;
use crate::error::status;
use crate::outgoing::Answers;

/// `PropertyService` over the service.
#[derive(Debug)]
pub(crate) struct PropertyTransport {
    handle: Handle,
    settings: Settings,
    drain: Drain,
}

impl PropertyTransport {
    pub(crate) fn new(handle: Handle, settings: Settings, drain: Drain) -> Self {
        Self { handle, settings, drain }
    }
}

#[async_trait]
impl PropertyService for PropertyTransport {
    type WatchUserPropertiesStream = Answers<v1::WatchUserPropertiesResponse>;

    async fn get_user_properties(
        &self,
        request: Request<v1::GetUserPropertiesRequest>,
    ) -> Result<Response<v1::GetUserPropertiesResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let of = request.get_ref();
        let of = profile_ref(of.user_id.as_deref(), of.device_id.as_deref());
        let (properties, at) =
            self.handle.properties(&caller, of).await.map_err(|error| status(&error))?;
        Ok(Response::new(v1::GetUserPropertiesResponse {
            user_properties: Some(user_properties(properties)),
            position: position(at),
        }))
    }

    async fn batch_get_user_properties(
        &self,
        request: Request<v1::BatchGetUserPropertiesRequest>,
    ) -> Result<Response<v1::BatchGetUserPropertiesResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let profiles = &request.get_ref().profiles;
        let profiles: Vec<ProfileRef<'_>> = profiles
            .iter()
            .map(|of| profile_ref(of.user_id.as_deref(), of.device_id.as_deref()))
            .collect();
        let (properties, at) = self
            .handle
            .batch_properties(&caller, &profiles)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(v1::BatchGetUserPropertiesResponse {
            user_properties: properties.into_iter().map(user_properties).collect(),
            position: position(at),
        }))
    }

    async fn watch_user_properties(
        &self,
        request: Request<v1::WatchUserPropertiesRequest>,
    ) -> Result<Response<Self::WatchUserPropertiesStream>, Status> {
        let key = api_key(request.metadata()).map_err(|error| status(&error))?.to_owned();
        let caller =
            authenticate(&self.handle, &key, Scope::Read).map_err(|error| status(&error))?;
        let from = watch_from(request.get_ref());
        let watch = self.handle.watch(&caller, from).map_err(|error| status(&error))?;
        let session = watch::Session {
            handle: self.handle.clone(),
            key,
            watch,
            drain: self.drain.clone(),
            deadline: deadline(request.metadata()),
        };
        Ok(Response::new(session.spawn(self.settings.stream_stall)))
    }
}
