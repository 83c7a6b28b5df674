use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tonic::Status;

/// Where work is done that may take its time, so that no connection waits for it: on the runtime
/// that the server was made on, which may be another than that of the connections.
#[derive(Clone, Debug)]
pub(crate) struct Apart(Option<Handle>);

impl Apart {
    /// On the runtime that this is called from, or else the one that each work comes from.
    pub(crate) fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// How many threads there are.
    pub(crate) fn n_threads(&self) -> usize {
        self.0.as_ref().map_or(1, |runtime| runtime.metrics().num_workers().max(1))
    }

    fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }

    /// Does work in a task of its own, which ends with whoever waits for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Status> {
        struct Owned<T>(JoinHandle<T>);
        impl<T> Drop for Owned<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let mut task = Owned(self.begin(work));
        let done = (&mut task.0).await;
        done.map_err(|_| Status::internal("the call ended by a mistake of the server"))
    }
}
