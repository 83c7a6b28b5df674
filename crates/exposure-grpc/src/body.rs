use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Response, header};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// One message with its prefix, and then that all went well.
    Message(Bytes),
    /// That all went well.
    Trailers,
    /// Nothing more.
    Ended,
    /// What the machinery above made.
    Any(Body),
}

/// What there is of a request's body without waiting.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// A beginning.
    Part(Bytes),
    /// It ended in an error.
    Failed(hyper::Error),
}

/// A body of which the beginning was taken already.
#[derive(Debug)]
pub(crate) struct Rest {
    first: Bytes,
    body: Incoming,
}

/// An answer of one message, with its prefix.
pub(crate) fn answer(message: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Message(message));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

impl Gathered {
    /// Takes what has come, up to more than `max_bytes`; a call comes with its only message as a
    /// rule, and in one piece.
    pub(crate) fn of(body: &mut Incoming, max_bytes: usize, context: &mut Context<'_>) -> Self {
        let mut first = Bytes::new();
        while first.len() <= max_bytes {
            match Pin::new(&mut *body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if first.is_empty() => first = data,
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        let mut both = BytesMut::with_capacity(first.len() + data.len());
                        both.extend_from_slice(&first);
                        both.extend_from_slice(&data);
                        first = both.freeze();
                    }
                    // Nothing that a client may say there is of use.
                    Err(_trailers) => {}
                },
                Poll::Ready(Some(Err(error))) => return Self::Failed(error),
                Poll::Ready(None) => return Self::Whole(first),
                Poll::Pending => break,
            }
        }
        Self::Part(first)
    }
}

/// The one message that the body of a call is, unless it is something else.
pub(crate) fn only_message(body: &Bytes) -> Option<Bytes> {
    let (prefix, message) = body.split_first_chunk::<5>()?;
    let [0, length @ ..] = *prefix else { return None };
    (u32::from_be_bytes(length) as usize == message.len()).then(|| body.slice(prefix.len()..))
}

impl Rest {
    pub(crate) fn new(first: Bytes, body: Incoming) -> Self {
        Self { first, body }
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.body).poll_frame(context);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.body.is_end_stream()
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Self::Any(body) = &mut *self {
            return Pin::new(body).poll_frame(context);
        }
        let frame = match std::mem::replace(&mut *self, Self::Ended) {
            Self::Message(message) => {
                *self = Self::Trailers;
                Some(Frame::data(message))
            }
            Self::Trailers => {
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
                Some(Frame::trailers(trailers))
            }
            Self::Ended | Self::Any(_) => None,
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Message(_) | Self::Trailers => false,
            Self::Ended => true,
            Self::Any(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Any(body) => body.size_hint(),
            // Its length is not said: trailers follow.
            Self::Message(_) | Self::Trailers | Self::Ended => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_is_the_whole_body() {
        for (body, expected) in [
            (&[0, 0, 0, 0, 0][..], Some(&[][..])),
            (&[0, 0, 0, 0, 2, 7, 8], Some(&[7, 8])),
            (&[0, 0, 0, 0, 2, 7], None),
            (&[0, 0, 0, 0, 1, 7, 8], None),
            (&[1, 0, 0, 0, 1, 7], None),
            (&[0, 0, 0, 0], None),
            (&[], None),
        ] {
            let message = only_message(&Bytes::copy_from_slice(body));
            assert_eq!(message.as_deref(), expected, "{body:?}");
        }
    }
}
