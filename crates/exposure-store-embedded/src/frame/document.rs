use exposure_store::Document;

use super::bytes::{Cursor, Malformed, put_bytes32, put_text16};
use super::header::{FrameKind, FrameWriter};

/// A frame that holds a document.
pub(crate) fn encode_document(document: &Document) -> FrameWriter {
    let mut frame =
        FrameWriter::new(FrameKind::Document, document.bytes.len() + document.name.len() + 16);
    put_document(&mut frame.bytes, document);
    frame.finish(0, 0);
    frame
}

pub(crate) fn put_document(out: &mut Vec<u8>, document: &Document) {
    put_text16(out, &document.name);
    out.extend_from_slice(&document.version.to_le_bytes());
    put_bytes32(out, &document.bytes);
}

/// Reads a document off the front.
pub(crate) fn take_document(cursor: &mut Cursor<'_>) -> Result<Document, Malformed> {
    Ok(Document {
        name: cursor.text16()?.into(),
        version: cursor.u64()?,
        bytes: cursor.bytes32()?.into(),
    })
}

/// Reads a frame's document.
pub(crate) fn decode_document(body: &[u8]) -> Result<Document, Malformed> {
    take_document(&mut Cursor(body))
}
