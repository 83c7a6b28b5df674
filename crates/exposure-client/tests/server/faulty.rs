//! A server that does as a test says.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use exposure_proto::v1::ingest_stream_response::Message;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What it does with a batch.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Takes it and says so.
    Take,
    /// Takes it and says nothing.
    TakeAndForget,
    /// Takes it and ends the stream, or the call, with this status.
    TakeAndFail(Status),
    /// Answers for fewer events than there are, with outcomes that say nothing among them.
    TakeAndMumble,
    /// Refuses it.
    Refuse(v1::ErrorCode, Option<i64>),
    /// Refuses the events of this flag, for good.
    RefuseFlag(&'static str),
}

/// Decides by the number of the batch and its events.
type Script = Arc<dyn Fn(usize, &v1::IngestRequest) -> Deed + Send + Sync>;

pub(crate) struct FaultyServer {
    pub(crate) url: String,
    pub(crate) state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
}

pub(crate) struct State {
    script: Script,
    has_streams: bool,
    n_batches: Mutex<usize>,
    taken: Mutex<BTreeSet<String>>,
}

impl FaultyServer {
    pub(crate) fn start(
        has_streams: bool,
        script: impl Fn(usize, &v1::IngestRequest) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            script: Arc::new(script),
            has_streams,
            n_batches: Mutex::new(0),
            taken: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let service = Service(Arc::clone(&state));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let served = tonic::transport::Server::builder()
                    .add_service(IngestServiceServer::new(service))
                    .serve_with_incoming(TcpListenerStream::new(listener));
                tokio::select! {
                    served = served => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let url = format!("http://{}", told.recv().unwrap());
        Self { url, state, stop: Some(stop) }
    }

    /// How many different insert ids it took.
    pub(crate) fn n_taken(&self) -> usize {
        self.state.taken.lock().len()
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

impl State {
    /// What becomes of a batch, and the outcomes of its events if it is taken.
    fn take(&self, batch: &v1::IngestRequest) -> (Deed, Vec<v1::EventOutcome>) {
        let number = {
            let mut n_batches = self.n_batches.lock();
            *n_batches += 1;
            *n_batches - 1
        };
        let deed = (self.script)(number, batch);
        let mut outcomes = Vec::new();
        for event in &batch.events {
            let Some(v1::event::Body::Exposure(exposure)) = &event.body else {
                panic!("{event:?}")
            };
            let is_refused = match &deed {
                Deed::RefuseFlag(flag) => exposure.flag_key.as_deref() == Some(*flag),
                Deed::Refuse(..) => continue,
                _ => false,
            };
            let result = if is_refused {
                let code = v1::ErrorCode::FlagLimit.into();
                Outcome::Rejected(v1::Rejected { code, ..v1::Rejected::default() })
            } else if self.taken.lock().insert(event.insert_id.clone().unwrap()) {
                Outcome::Accepted(v1::Accepted::default())
            } else {
                Outcome::Duplicate(v1::Duplicate::default())
            };
            outcomes.push(v1::EventOutcome { result: Some(result) });
        }
        if let Deed::TakeAndMumble = deed {
            outcomes.truncate(outcomes.len().div_ceil(2));
            outcomes[0].result = None;
        }
        (deed, outcomes)
    }
}

struct Service(Arc<State>);

type Answers = Pin<Box<dyn Stream<Item = Result<v1::IngestStreamResponse, Status>> + Send>>;

#[tonic::async_trait]
impl IngestService for Service {
    async fn ingest(
        &self,
        request: Request<v1::IngestRequest>,
    ) -> Result<Response<v1::IngestResponse>, Status> {
        match self.0.take(request.get_ref()) {
            (Deed::TakeAndForget, _) => std::future::pending().await,
            (Deed::TakeAndFail(status), _) => Err(status),
            (Deed::Refuse(_, Some(ms)), _) => {
                let wait = Duration::from_millis(ms.unsigned_abs());
                let details = ErrorDetails::with_retry_info(Some(wait));
                Err(Status::with_error_details(Code::ResourceExhausted, "later", details))
            }
            (Deed::Refuse(_, None), _) => Err(Status::invalid_argument("refused")),
            (_, outcomes) => Ok(Response::new(v1::IngestResponse { outcomes })),
        }
    }

    type IngestStreamStream = Answers;

    async fn ingest_stream(
        &self,
        request: Request<Streaming<v1::IngestStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        if !self.0.has_streams {
            return Err(Status::unimplemented("no streams here"));
        }
        let state = Arc::clone(&self.0);
        let mut batches = request.into_inner();
        let (answers, receiver) = mpsc::channel(16);
        let message = |message| v1::IngestStreamResponse { message: Some(message) };
        answers.send(Ok(message(Message::Credit(v1::Credit { batch_count: 2 })))).await.unwrap();
        tokio::spawn(async move {
            while let Some(Ok(request)) = batches.next().await {
                let (deed, outcomes) = state.take(&request.batch.unwrap());
                let batch_id = request.batch_id;
                let answer = match deed {
                    Deed::TakeAndForget => continue,
                    Deed::TakeAndFail(status) => {
                        drop(answers.send(Err(status)).await);
                        return;
                    }
                    Deed::Refuse(code, retry_delay_ms) => Message::Refusal(v1::Refusal {
                        batch_id,
                        code: code.into(),
                        message: "refused".into(),
                        retry_delay_ms,
                    }),
                    _ => Message::Acknowledgement(v1::Acknowledgement { batch_id, outcomes }),
                };
                let credit = Message::Credit(v1::Credit { batch_count: 1 });
                for answer in [answer, credit] {
                    if answers.send(Ok(message(answer))).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}
