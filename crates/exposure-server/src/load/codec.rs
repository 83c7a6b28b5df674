use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::template::Template;

/// A batch on its way; whoever filled it keeps it, to fill it again or to send it again.
pub(super) type Outgoing = Arc<Template>;

/// Sends batches as they are and hands over answers as bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LoadCodec;

impl Codec for LoadCodec {
    type Encode = Outgoing;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for LoadCodec {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, batch: Outgoing, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(batch.bytes().len());
        to.put_slice(batch.bytes());
        Ok(())
    }
}

impl Decoder for LoadCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
