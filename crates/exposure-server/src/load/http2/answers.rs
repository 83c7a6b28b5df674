use tonic::{Code, Status};

use super::fields::Fields;
use crate::failure::{Failure, Result};

/// Reads the heads and trailers of answers. Nearly all are the bytes of the one before, and those
/// are compared and not read.
#[derive(Debug, Default)]
pub(in crate::load) struct Answers {
    /// The last head that said that an answer follows.
    head: Vec<u8>,
    /// The last trailers that said that all is well.
    trailers: Vec<u8>,
}

impl Answers {
    /// The head of an answer that goes on.
    #[inline]
    pub(in crate::load) fn head(&mut self, block: &[u8]) -> Result<()> {
        if block != self.head {
            read(block)?;
            self.head.clear();
            self.head.extend_from_slice(block);
        }
        Ok(())
    }

    /// What the end of an answer says: its trailers, or its head where it is nothing else.
    #[inline]
    pub(in crate::load) fn end(&mut self, block: &[u8]) -> Result<std::result::Result<(), Status>> {
        if block == self.trailers && !block.is_empty() {
            return Ok(Ok(()));
        }
        let fields = read(block)?;
        let status = Status::from_header_map(&fields.named)
            .ok_or_else(|| Failure::failed("an answer of the server has no `grpc-status`"))?;
        if status.code() == Code::Ok {
            self.trailers.clear();
            self.trailers.extend_from_slice(block);
            return Ok(Ok(()));
        }
        Ok(Err(status))
    }
}

fn read(block: &[u8]) -> Result<Fields> {
    let fields = Fields::read(block)
        .ok_or_else(|| Failure::failed("the server sent headers that can not be read"))?;
    match fields.status {
        None | Some(200) => Ok(fields),
        Some(status) => Err(Failure::failed(format!(
            "the server answered with HTTP status {status}: is it a gRPC server?"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAILERS: &[u8] = b"\x00\x0bgrpc-status\x010";

    #[test]
    fn an_end_is_a_status() {
        let mut answers = Answers::default();
        for _ in 0..2 {
            answers.head(b"\x88").unwrap();
            answers.end(TRAILERS).unwrap().unwrap();
        }
        let refused = b"\x88\x00\x0bgrpc-status\x018\x00\x0cgrpc-message\x09full%20up";
        let refused = answers.end(refused).unwrap().unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::ResourceExhausted, "full up"));
        answers.end(TRAILERS).unwrap().unwrap();
    }

    #[test]
    fn what_is_not_of_grpc_is_told() {
        let mut answers = Answers::default();
        for (block, why) in [
            (&b"\x8d"[..], "HTTP status 404"),
            (b"\xff\xff", "can not be read"),
            (b"", "no `grpc-status`"),
        ] {
            let failure = answers.end(block).unwrap_err().to_string();
            assert!(failure.contains(why), "{failure}");
        }
        assert!(answers.head(b"\x8c").is_err());
    }
}
