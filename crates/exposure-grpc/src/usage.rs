//! `UsageService`.

use exposure_proto::v1;
use exposure_proto::v1::usage_service_server::UsageService;
use exposure_service::{Handle, Page, Result as ServiceResult, Scope, UsageLine, parse_day};
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status};

use crate::auth::caller;
use crate::error::status;
use crate::property::position;

/// `UsageService` over the service.
#[derive(Debug)]
pub(crate) struct UsageTransport {
    handle: Handle,
}

impl UsageTransport {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

#[async_trait]
impl UsageService for UsageTransport {
    async fn get_usage(
        &self,
        request: Request<v1::GetUsageRequest>,
    ) -> Result<Response<v1::GetUsageResponse>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Read)?;
        let request = request.into_inner();
        let from = day("start_day", &request.start_day).map_err(|error| status(&error))?;
        let to = day("end_day", &request.end_day).map_err(|error| status(&error))?;
        let page = Page { size: request.page_size, token: request.page_token };
        let usage = self.handle.usage(&caller, from, to, &page).await;
        let usage = usage.map_err(|error| status(&error))?;
        Ok(Response::new(v1::GetUsageResponse {
            rows: usage.items.into_iter().map(row).collect(),
            next_page_token: usage.next_page_token,
            position: position(usage.position),
        }))
    }
}

/// An empty day is none.
fn day(field: &'static str, text: &str) -> ServiceResult<Option<i64>> {
    if text.is_empty() { Ok(None) } else { parse_day(field, text).map(Some) }
}

fn row(line: UsageLine) -> v1::UsageRow {
    v1::UsageRow {
        day: line.day,
        kind: line.kind.into(),
        event_type: line.event_type.into(),
        key_id: line.key.to_string(),
        library: line.library.into(),
        event_count: line.events as i64,
        billable_count: line.billable as i64,
    }
}
