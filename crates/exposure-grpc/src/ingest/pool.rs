use exposure_proto::decode::DecodeBuffers;
use parking_lot::Mutex;

/// The memory of requests that are done with: decoding allocates nothing in steady state.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Vec<DecodeBuffers>>);

/// More than there are batches in flight at most moments; what is beyond is freed.
const MAX_KEPT: usize = 64;

impl BufferPool {
    pub(super) fn take(&self) -> DecodeBuffers {
        self.0.lock().pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, buffers: DecodeBuffers) {
        let mut kept = self.0.lock();
        if kept.len() < MAX_KEPT {
            kept.push(buffers);
        }
    }
}
