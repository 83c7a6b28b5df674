//! The message of a call, however it comes: in one piece it takes the short way.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use exposure_proto::v1;
use http_body::{Body as HttpBody, Frame};
use prost::Message;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response, header};
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::world::{KEY, World, exposure, reason};

/// Sends each piece on its own, and others get their turn in between.
struct Pieces {
    pieces: VecDeque<Bytes>,
    pauses: u32,
}

const PAUSES: u32 = 20;

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.pauses > 0 {
            self.pauses -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.pauses = PAUSES;
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

async fn ingest(world: &World, pieces: &[&[u8]], pauses: u32) -> Response<Body> {
    let pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    let request = Request::post("http://pipe.invalid/exposure.v1.IngestService/Ingest")
        .header(header::CONTENT_TYPE, "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {KEY}"))
        .body(Body::new(Pieces { pieces, pauses }))
        .unwrap();
    world.channel().await.oneshot(request).await.unwrap()
}

/// The message of an answer, and what its trailers say.
async fn read(response: Response<Body>) -> Result<Bytes, Status> {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return Err(status);
    }
    assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/grpc");
    let (mut body, mut data, mut status) = (response.into_body(), BytesMut::new(), None);
    let mut next =
        async || std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
    while let Some(frame) = next().await {
        match frame.unwrap().into_data() {
            Ok(bytes) => data.put(bytes),
            Err(frame) => status = Status::from_header_map(&frame.into_trailers().unwrap()),
        }
    }
    assert_eq!(status.map(|status| status.code()), Some(Code::Ok));
    Ok(data.freeze())
}

fn framed(message: &impl Message) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.put_u32(message.encoded_len() as u32);
    message.encode(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_message_may_come_in_pieces() {
    let world = World::new().await;
    let request = v1::IngestRequest {
        events: vec![exposure("somebody", "f", Some("on")), exposure("somebody", "g", Some("on"))],
        ..Default::default()
    };
    let bytes = framed(&request);
    let middle = bytes.len() / 2;
    let mut answers = Vec::new();
    for pauses in [0, PAUSES] {
        for at in [0, 1, 5, middle, bytes.len()] {
            let (first, rest) = bytes.split_at(at);
            let answer = read(ingest(&world, &[first, rest, b""], pauses).await).await.unwrap();
            let (prefix, message) = answer.split_at(5);
            assert_eq!(prefix[0], 0);
            assert_eq!(prefix[1..], (message.len() as u32).to_be_bytes());
            answers.push(v1::IngestResponse::decode(message).unwrap().outcomes.len());
        }
    }
    assert_eq!(answers, [2; 10]);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let world = World::new().await;
    let cases: [&[u8]; 5] =
        [b"", &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 0], &[7, 0, 0, 0, 0], &[0, 0, 0, 0, 1, 0xff]];
    for bytes in cases {
        let status = read(ingest(&world, &[bytes], 0).await).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{bytes:?}: {status:?}");
        assert_eq!(reason(&status), "INVALID");
    }
}
