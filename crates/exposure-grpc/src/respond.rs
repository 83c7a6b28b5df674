use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http_body::Body as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Response, header};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Answers a call with one message, which has its prefix.
///
/// A call that was reset meanwhile wants no answer.
pub(crate) fn respond_message(respond: &mut SendResponse<Bytes>, message: Bytes) {
    let mut response = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    let sent = respond.send_response(response, false).and_then(|mut stream| {
        stream.send_data(message, false)?;
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
        stream.send_trailers(trailers)
    });
    note(sent);
}

/// Answers a call with why it failed.
pub(crate) fn respond_failed(respond: &mut SendResponse<Bytes>, status: Status) {
    let (head, ()) = status.into_http().into_parts();
    note(respond.send_response(Response::from_parts(head, ()), true).map(drop));
}

/// Answers a call with what it leads to, and ends as soon as its client resets it.
pub(crate) async fn respond(
    mut respond: SendResponse<Bytes>,
    answer: impl Future<Output = Result<Response<Body>, Infallible>>,
) {
    let mut answer = std::pin::pin!(answer);
    let answered = poll_fn(|context| {
        if let Poll::Ready(Ok(answer)) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        // By its client, or with its connection.
        respond.poll_reset(context).map(|_| None)
    });
    let Some(response) = answered.await else { return };
    let (head, body) = response.into_parts();
    let is_all = body.is_end_stream();
    match respond.send_response(Response::from_parts(head, ()), is_all) {
        Ok(_) if is_all => {}
        Ok(stream) => note(send_body(stream, body).await),
        Err(error) => {
            note(Err(error));
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
    }
}

/// Sends a body as fast as its client takes it.
async fn send_body(mut stream: SendStream<Bytes>, mut body: Body) -> Result<(), h2::Error> {
    loop {
        let frame = poll_fn(|context| {
            if let Poll::Ready(reset) = stream.poll_reset(context) {
                return Poll::Ready(Err(reset.map_or_else(|error| error, h2::Error::from)));
            }
            Pin::new(&mut body).poll_frame(context).map(Ok)
        });
        match frame.await? {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let is_last = body.is_end_stream();
                    if !data.is_empty() {
                        wait_for_room(&mut stream).await?;
                    }
                    stream.send_data(data, is_last)?;
                    if is_last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        return stream.send_trailers(trailers);
                    }
                }
            },
            Some(Err(status)) => {
                tracing::debug!(%status, "an answer broke off");
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Ok(());
            }
            None => return stream.send_data(Bytes::new(), true),
        }
    }
}

/// Waits until some of what its client is ready to take is this stream's. What is sent then goes
/// out bit by bit; more is not asked for, for it would be kept from the others.
async fn wait_for_room(stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        let room = poll_fn(|context| {
            if let Poll::Ready(reset) = stream.poll_reset(context) {
                return Poll::Ready(Some(Err(reset.map_or_else(|error| error, h2::Error::from))));
            }
            stream.poll_capacity(context)
        });
        match room.await {
            Some(room) => drop(room?),
            None => return Err(Reason::CANCEL.into()),
        }
    }
    Ok(())
}

fn note(sent: Result<(), h2::Error>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer could not be sent");
    }
}
