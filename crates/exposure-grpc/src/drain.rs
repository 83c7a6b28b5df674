use tokio::sync::watch;

/// Tells calls that stay open that the server stops: they end what was received, and then
/// themselves. Calls that end anyway need not listen.
#[derive(Clone, Debug)]
pub(crate) struct Drain(watch::Receiver<bool>);

/// Gives the word.
#[derive(Clone, Debug)]
pub(crate) struct DrainSignal(watch::Sender<bool>);

impl DrainSignal {
    pub(crate) fn new() -> (Self, Drain) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Drain(receiver))
    }

    pub(crate) fn send(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Waits until the server stops.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|&stops| stops).await.is_err() {
            // Nobody is left who could give the word.
            std::future::pending::<()>().await;
        }
    }
}
