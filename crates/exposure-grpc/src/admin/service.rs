use bytes::Bytes;
use exposure_proto::v1;
use exposure_proto::v1::admin_service_server::AdminService;
use exposure_service::{Caller, Handle, NewApiKey, NewProject, Page, Scope};
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status};

use super::{senders, wire};
use crate::auth::caller;
use crate::error::status;
use crate::property::position;
use crate::{About, Settings};

/// `AdminService` over the service.
#[derive(Debug)]
pub(crate) struct AdminTransport {
    handle: Handle,
    about: About,
    max_message_bytes: usize,
}

impl AdminTransport {
    pub(crate) fn new(handle: Handle, settings: &Settings, about: About) -> Self {
        Self { handle, about, max_message_bytes: settings.max_message_bytes }
    }

    fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        caller(&self.handle, request.metadata(), Scope::Admin)
    }
}

#[async_trait]
impl AdminService for AdminTransport {
    async fn create_project(
        &self,
        request: Request<v1::CreateProjectRequest>,
    ) -> Result<Response<v1::CreateProjectResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let settings = wire::project_settings(request.settings).map_err(|error| status(&error))?;
        let new =
            NewProject { name: request.project_id, display_name: request.display_name, settings };
        let project = self.handle.create_project(&caller, new).await;
        let project = project.map_err(|error| status(&error))?;
        Ok(Response::new(v1::CreateProjectResponse { project: Some(wire::project(project)) }))
    }

    async fn list_projects(
        &self,
        request: Request<v1::ListProjectsRequest>,
    ) -> Result<Response<v1::ListProjectsResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let page = Page { size: request.page_size, token: request.page_token };
        let projects = self.handle.list_projects(&caller, &page).map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListProjectsResponse {
            projects: projects.items.into_iter().map(wire::project).collect(),
            next_page_token: projects.next_page_token,
        }))
    }

    async fn create_api_key(
        &self,
        request: Request<v1::CreateApiKeyRequest>,
    ) -> Result<Response<v1::CreateApiKeyResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let scopes = wire::scopes(&request.scopes).map_err(|error| status(&error))?;
        let new =
            NewApiKey { project: request.project_id, display_name: request.display_name, scopes };
        let created = self.handle.create_api_key(&caller, new).await;
        let (key, secret) = created.map_err(|error| status(&error))?;
        let api_key = Some(wire::api_key(key));
        Ok(Response::new(v1::CreateApiKeyResponse { api_key, secret }))
    }

    async fn list_api_keys(
        &self,
        request: Request<v1::ListApiKeysRequest>,
    ) -> Result<Response<v1::ListApiKeysResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let page = Page { size: request.page_size, token: request.page_token };
        let keys = self.handle.list_api_keys(&caller, &request.project_id, &page);
        let keys = keys.map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListApiKeysResponse {
            api_keys: keys.items.into_iter().map(wire::api_key).collect(),
            next_page_token: keys.next_page_token,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<v1::RevokeApiKeyRequest>,
    ) -> Result<Response<v1::RevokeApiKeyResponse>, Status> {
        let caller = self.caller(&request)?;
        let id = wire::key_id(&request.get_ref().key_id).map_err(|error| status(&error))?;
        let key = self.handle.revoke_api_key(&caller, id).await;
        let key = key.map_err(|error| status(&error))?;
        Ok(Response::new(v1::RevokeApiKeyResponse { api_key: Some(wire::api_key(key)) }))
    }

    async fn list_rejected_events(
        &self,
        request: Request<v1::ListRejectedEventsRequest>,
    ) -> Result<Response<v1::ListRejectedEventsResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let filter = wire::reject_filter(request.code, request.library);
        let filter = filter.map_err(|error| status(&error))?;
        let page = Page { size: request.page_size, token: request.page_token };
        let events = self.handle.rejected_events(&caller, &filter, &page).await;
        let events = events.map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListRejectedEventsResponse {
            events: events.items.into_iter().map(wire::rejected_event).collect(),
            next_page_token: events.next_page_token,
        }))
    }

    async fn list_senders(
        &self,
        request: Request<v1::ListSendersRequest>,
    ) -> Result<Response<v1::ListSendersResponse>, Status> {
        let caller = self.caller(&request)?;
        let request = request.into_inner();
        let page = Page { size: request.page_size, token: request.page_token };
        let senders = self.handle.senders(&caller, &page).await;
        let senders = senders.map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListSendersResponse {
            senders: senders.items.into_iter().map(senders::sender).collect(),
            next_page_token: senders.next_page_token,
        }))
    }

    async fn retire_flag(
        &self,
        request: Request<v1::RetireFlagRequest>,
    ) -> Result<Response<v1::RetireFlagResponse>, Status> {
        let caller = self.caller(&request)?;
        let n_flags = self.handle.retire_flag(&caller, &request.get_ref().flag_key).await;
        let n_flags = n_flags.map_err(|error| status(&error))?;
        Ok(Response::new(v1::RetireFlagResponse { flag_count: n_flags as i32 }))
    }

    async fn erase_user(
        &self,
        request: Request<v1::EraseUserRequest>,
    ) -> Result<Response<v1::EraseUserResponse>, Status> {
        let caller = self.caller(&request)?;
        let erasure = self.handle.erase_user(&caller, &request.get_ref().user_id).await;
        let erasure = erasure.map_err(|error| status(&error))?;
        Ok(Response::new(v1::EraseUserResponse {
            erase_time_us: erasure.until.as_micros(),
            device_count: erasure.devices as i32,
        }))
    }

    async fn get_state_hash(
        &self,
        request: Request<v1::GetStateHashRequest>,
    ) -> Result<Response<v1::GetStateHashResponse>, Status> {
        let caller = self.caller(&request)?;
        let hash = self.handle.state_hash(&caller).await;
        let (hash, at) = hash.map_err(|error| status(&error))?;
        Ok(Response::new(v1::GetStateHashResponse {
            state_hash: Bytes::copy_from_slice(&hash.to_u128().to_be_bytes()),
            position: position(at),
        }))
    }

    async fn get_server_info(
        &self,
        request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        let caller = self.caller(&request)?;
        let info = self.handle.server_info(&caller).map_err(|error| status(&error))?;
        let capabilities = info.capabilities;
        Ok(Response::new(v1::GetServerInfoResponse {
            version: self.about.version.clone(),
            store: self.about.store.clone(),
            start_time_us: info.started.as_micros(),
            effects: wire::effects(capabilities.effects).to_owned(),
            dedupe: wire::dedupe(capabilities.dedupe).to_owned(),
            usage: wire::usage(capabilities.usage).to_owned(),
            feed: wire::feed(capabilities.feed).to_owned(),
            max_request_bytes: self.max_message_bytes as i64,
            max_batch_event_count: self.handle.settings().max_batch_events as i32,
        }))
    }
}
