use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;

/// Batches that are worked on at one moment: a large one for each thread, and a few small ones.
///
/// The runtime's queue has no more of them in it: whoever comes meanwhile is looked at, and where
/// need be refused, between two of them and not behind all that were let in.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
}

/// What has fewer bytes is small: it takes a tenth of a millisecond at most.
pub(crate) const LARGE_BYTES: usize = 8 << 10;
/// Small ones for each thread.
const SMALL: usize = 16;
/// What has fewer bytes is done before another thread would be awake.
const LONG_BYTES: usize = 32 << 10;

impl Hands {
    /// For each thread of the runtime that this is called from.
    pub(super) fn new() -> Self {
        let n_threads = tokio::runtime::Handle::try_current()
            .map_or(1, |runtime| runtime.metrics().num_workers().max(1));
        let semaphore = |n_hands| Arc::new(Semaphore::new(n_hands));
        Self { large: semaphore(n_threads), small: semaphore(n_threads * SMALL) }
    }

    /// Does work on so many bytes: with one of the hands up to where it waits for something for
    /// the first time, then without.
    pub(super) async fn work<T>(&self, n_bytes: usize, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let hands = if n_bytes < LARGE_BYTES { &self.small } else { &self.large };
        // They are never closed.
        let hand = hands.acquire().await.ok();
        if LONG_BYTES <= n_bytes {
            leave_sockets();
        }
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        drop(hand);
        match first {
            Poll::Ready(done) => done,
            Poll::Pending => work.await,
        }
    }
}

/// Has another thread look at the sockets, if one has nothing to do.
///
/// A thread of the runtime that comes from the sockets with a task keeps them while it runs that, and the others sleep
/// on: a read that comes meanwhile would wait until the batch is done. Something to take from this thread wakes one of
/// them, which finds nothing more to do then and goes to the sockets. Two, because the last one begun is not taken.
fn leave_sockets() {
    for _ in 0..2 {
        drop(tokio::spawn(std::future::ready(())));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A large batch goes on only when a read that came later was answered.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_asks_beside_a_large_batch_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..20 {
            let connect = || std::net::TcpStream::connect(address).unwrap();
            let (mut batch_client, mut read_client) = (connect(), connect());
            let (mut batch, _) = listener.accept().await.unwrap();
            let (mut read, _) = listener.accept().await.unwrap();
            let (working, at_work) = mpsc::channel();
            let (answered, answer) = mpsc::channel();
            let hands = Hands::new();
            let large = tokio::spawn(async move {
                batch.read_u8().await.unwrap();
                let work = async move {
                    working.send(()).unwrap();
                    answer.recv_timeout(Duration::from_secs(20)).is_ok()
                };
                hands.work(LONG_BYTES, work).await
            });
            tokio::spawn(async move {
                let byte = read.read_u8().await.unwrap();
                read.write_u8(byte).await.unwrap();
            });
            let client = std::thread::spawn(move || {
                batch_client.write_all(&[1]).unwrap();
                at_work.recv().unwrap();
                read_client.write_all(&[2]).unwrap();
                let mut byte = [0];
                read_client.read_exact(&mut byte).unwrap();
                answered.send(()).unwrap();
            });
            assert!(large.await.unwrap(), "the read was answered while the batch was worked on");
            tokio::task::spawn_blocking(|| client.join().unwrap()).await.unwrap();
        }
    }
}
