use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::{Reason, RecvStream};
use http_body::{Body, Frame};

/// What there is of a request's body without waiting.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// A beginning.
    Part(Bytes),
    /// It ended in an error.
    Failed(h2::Error),
}

/// A body of which the beginning may have been taken already.
#[derive(Debug)]
pub(crate) struct RequestBody {
    first: Bytes,
    rest: RecvStream,
    data_ended: bool,
}

impl Gathered {
    /// Takes what has come, up to more than `max_bytes`; a call comes with its only message as a
    /// rule, and in one piece.
    pub(crate) fn of(body: &mut RecvStream, max_bytes: usize, context: &mut Context<'_>) -> Self {
        let mut first = Bytes::new();
        while first.len() <= max_bytes {
            match poll_data(body, context) {
                Poll::Ready(Some(Ok(data))) if first.is_empty() => first = data,
                Poll::Ready(Some(Ok(data))) if data.is_empty() => {}
                Poll::Ready(Some(Ok(data))) => {
                    let mut both = BytesMut::with_capacity(first.len() + data.len());
                    both.extend_from_slice(&first);
                    both.extend_from_slice(&data);
                    first = both.freeze();
                }
                Poll::Ready(Some(Err(error))) => return Self::Failed(error),
                // Nothing that a client may say in trailers is of use.
                Poll::Ready(None) => return Self::Whole(first),
                Poll::Pending => return Self::Part(first),
            }
            if first.len() <= max_bytes && body.is_end_stream() {
                return Self::Whole(first);
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

impl RequestBody {
    pub(crate) fn new(first: Bytes, rest: RecvStream) -> Self {
        Self { first, rest, data_ended: false }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        if !self.data_ended {
            if let Some(data) = ready!(poll_data(&mut self.rest, context)) {
                return Poll::Ready(Some(data.map(Frame::data)));
            }
            self.data_ended = true;
        }
        Poll::Ready(match ready!(self.rest.poll_trailers(context)) {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => (!is_end(&error)).then_some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }
}

/// The next bytes of a body; room for as many is given back to its sender.
fn poll_data(
    body: &mut RecvStream,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, h2::Error>>> {
    Poll::Ready(match ready!(body.poll_data(context)) {
        Some(Ok(data)) => {
            // What the stream itself lacks by then, it has ended without.
            let _ended = body.flow_control().release_capacity(data.len()).err();
            Some(Ok(data))
        }
        Some(Err(error)) if is_end(&error) => None,
        other => other,
    })
}

/// Whether a stream that its client reset ended as it wanted.
fn is_end(error: &h2::Error) -> bool {
    error.reason() == Some(Reason::NO_ERROR)
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
