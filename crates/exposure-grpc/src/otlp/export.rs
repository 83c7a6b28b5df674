use std::time::Duration;

use bytes::Bytes;
use exposure_core::{Dialect, ErrorCode};
use exposure_formats::Arena;
use exposure_formats::otlp::{Encoding, Options, Signal, read_message, response};
use exposure_service::{Handle, IngestRequest, Refused, Scope, ServiceError};
use tonic::{Request, Response, Status};

use crate::Settings;
use crate::auth::caller;
use crate::error::status;
use crate::receiving::Held;

/// Takes in the evaluations of export requests.
#[derive(Debug)]
pub(super) struct Exports {
    handle: Handle,
    options: Options,
    retry_after: Duration,
}

impl Exports {
    pub(super) fn new(handle: Handle, settings: &Settings) -> Self {
        let options = settings.formats.otlp.clone();
        Self { handle, options, retry_after: settings.retry_after }
    }

    /// Answers an encoded export request with its encoded response.
    pub(super) async fn export(
        &self,
        signal: Signal,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Status> {
        let caller = caller(&self.handle, request.metadata(), Scope::Ingest)?;
        // A message that is whole counts as one that is stored, and no longer as one that comes.
        if let Some(held) = request.extensions().get::<Held>() {
            held.release();
        }
        let message = request.into_inner();
        let arrival = self.handle.arrive(message.len());
        let _arrival = arrival.map_err(|error| status(&self.retryable(error)))?;
        let arena = Arena::new();
        let max_events = self.handle.settings().max_batch_events;
        let options = &self.options;
        let upload =
            read_message(signal, Encoding::Protobuf, &message, max_events, options, &arena);
        let upload = upload
            .map_err(|error| status(&ServiceError::new(ErrorCode::Invalid, error.to_string())))?;
        let ingest = IngestRequest {
            dialect: Dialect::Foreign,
            library: upload.library,
            bytes: message.len(),
            ..IngestRequest::default()
        };
        let events = upload.events.into_iter().map(|event| {
            event.map_err(|refused| Refused {
                user_id: refused.user_id,
                device_id: refused.device_id,
                event: refused.event.as_bytes(),
                library: refused.library,
                ..Refused::from(refused.rejection)
            })
        });
        let receipt = self.handle.ingest(&caller, &ingest, events).await;
        let receipt = receipt.map_err(|error| status(&self.retryable(error)))?;
        let answer = response(signal, Encoding::Protobuf, receipt.outcomes());
        Ok(Response::new(answer.into()))
    }

    /// Exporters drop what is answered `INTERNAL`, and wait only where they are told how long.
    fn retryable(&self, error: ServiceError) -> ServiceError {
        let code = match error.code {
            ErrorCode::Internal => ErrorCode::Unavailable,
            code => code,
        };
        let retry_after = match code {
            ErrorCode::Unavailable | ErrorCode::ResourceExhausted => {
                error.retry_after.or(Some(self.retry_after))
            }
            _ => error.retry_after,
        };
        ServiceError { code, retry_after, ..error }
    }
}
