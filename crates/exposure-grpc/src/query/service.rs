use exposure_proto::v1;
use exposure_proto::v1::exposure_query_service_server::ExposureQueryService;
use exposure_service::{Handle, Page, ProfileRef, Scope};
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status};

use super::explain::explanation;
use super::wire::{bucket, flag, profile_entry, profile_query, series_query};
use crate::auth::caller;
use crate::error::status;
use crate::property::position;

/// `ExposureQueryService` over the service.
#[derive(Debug)]
pub(crate) struct QueryTransport {
    handle: Handle,
}

impl QueryTransport {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

#[async_trait]
impl ExposureQueryService for QueryTransport {
    async fn list_flags(
        &self,
        request: Request<v1::ListFlagsRequest>,
    ) -> Result<Response<v1::ListFlagsResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let request = request.into_inner();
        let page = Page { size: request.page_size, token: request.page_token };
        let flags = self.handle.list_flags(&caller, &page).await;
        let flags = flags.map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListFlagsResponse {
            flags: flags.items.into_iter().map(flag).collect(),
            next_page_token: flags.next_page_token,
            position: position(flags.position),
        }))
    }

    async fn get_flag_exposures(
        &self,
        request: Request<v1::GetFlagExposuresRequest>,
    ) -> Result<Response<v1::GetFlagExposuresResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let mut request = request.into_inner();
        let token = std::mem::take(&mut request.page_token);
        let page = Page { size: request.page_size, token };
        let asked = series_query(request).map_err(|error| status(&error))?;
        let series = self.handle.flag_exposures(&caller, &asked, &page).await;
        let series = series.map_err(|error| status(&error))?;
        Ok(Response::new(v1::GetFlagExposuresResponse {
            buckets: series.buckets.into_iter().map(bucket).collect(),
            profile_count: series.profiles as i64,
            jumper_count: series.jumpers as i64,
            next_page_token: series.next_page_token,
            position: position(series.position),
        }))
    }

    async fn list_profiles(
        &self,
        request: Request<v1::ListProfilesRequest>,
    ) -> Result<Response<v1::ListProfilesResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let mut request = request.into_inner();
        let token = std::mem::take(&mut request.page_token);
        let page = Page { size: request.page_size, token };
        let asked = profile_query(request).map_err(|error| status(&error))?;
        let profiles = self.handle.list_profiles(&caller, &asked, &page).await;
        let profiles = profiles.map_err(|error| status(&error))?;
        Ok(Response::new(v1::ListProfilesResponse {
            profiles: profiles.items.into_iter().map(profile_entry).collect(),
            next_page_token: profiles.next_page_token,
            position: position(profiles.position),
        }))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let request = request.into_inner();
        let profile = ProfileRef {
            user_id: request.user_id.as_deref(),
            device_id: request.device_id.as_deref(),
        };
        let page = Page { size: request.page_size, token: request.page_token };
        let explained = self.handle.explain(&caller, profile, &request.flag_key, &page).await;
        explained.map(|of| Response::new(explanation(of))).map_err(|error| status(&error))
    }
}
