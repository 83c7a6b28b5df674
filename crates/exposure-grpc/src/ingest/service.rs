use std::sync::Arc;

use bytes::Bytes;
use exposure_proto::ingest_server::IngestBytes;
use exposure_service::{Handle, Scope, ServiceError};
use tokio::sync::Semaphore;
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status, Streaming};

use super::hands::{Hands, LARGE_BYTES};
use super::intake::Intake;
use super::stream::IngestStream;
use crate::Settings;
use crate::auth::{api_key, authenticate, caller};
use crate::calls::apart;
use crate::deadline::deadline;
use crate::drain::Drain;
use crate::error::status;
use crate::meter::RefusalMeter;
use crate::outgoing::Answers;
use crate::receiving::Held;

/// `IngestService` over bytes.
#[derive(Debug)]
pub(crate) struct IngestTransport {
    intake: Arc<Intake>,
    hands: Hands,
    refused: RefusalMeter,
    settings: Settings,
    drain: Drain,
    streams: Arc<Semaphore>,
}

impl IngestTransport {
    pub(crate) fn new(handle: Handle, settings: Settings, drain: Drain) -> Self {
        Self {
            intake: Arc::new(Intake::new(handle, &settings)),
            hands: Hands::new(),
            refused: RefusalMeter::new("IngestService/IngestStream"),
            streams: Arc::new(Semaphore::new(settings.max_ingest_streams)),
            settings,
            drain,
        }
    }

    /// What answers its calls.
    pub(crate) fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }
}

#[async_trait]
impl IngestBytes for IngestTransport {
    type Answers = Answers<Bytes>;

    async fn ingest(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let caller = caller(self.intake.handle(), request.metadata(), Scope::Ingest)?;
        release(request.extensions().get::<Held>());
        let message = request.into_inner();
        let arrival = self.intake.handle().arrive(message.len()).map_err(|error| status(&error))?;
        let answer = if message.len() < LARGE_BYTES {
            self.intake.unary(&caller, &message).await
        } else {
            // The connection goes on beside it.
            let (intake, hands) = (Arc::clone(&self.intake), self.hands.clone());
            let n_bytes = message.len();
            apart(async move { hands.work(n_bytes, intake.unary(&caller, &message)).await }).await?
        };
        drop(arrival);
        answer.map(|answer| Response::new(answer.finish())).map_err(|error| status(&error))
    }

    async fn ingest_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::Answers>, Status> {
        let key = api_key(request.metadata()).map_err(|error| status(&error))?.to_owned();
        authenticate(self.intake.handle(), &key, Scope::Ingest).map_err(|error| status(&error))?;
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let message = format!(
                "{} ingest streams are open, which is as many as may be; try again later",
                self.settings.max_ingest_streams
            );
            status(&ServiceError::exhausted(message, self.settings.retry_after))
        })?;
        let deadline = deadline(request.metadata());
        let stream = IngestStream::new(
            Arc::clone(&self.intake),
            self.hands.clone(),
            self.refused.clone(),
            key,
            &self.settings,
            self.drain.clone(),
            deadline,
        );
        let held = request.extensions().get::<Held>().cloned();
        let answers = stream.spawn(request.into_inner(), held, &self.settings, permit);
        Ok(Response::new(answers))
    }
}

/// A message that is whole counts as one that is stored, and no longer as one that comes.
fn release(held: Option<&Held>) {
    if let Some(held) = held {
        held.release();
    }
}
