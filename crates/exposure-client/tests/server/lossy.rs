//! A way to a server that fails as a test says.

use std::sync::Arc;

use exposure_client::provider::{
    Batch, BatchLimits, Delivery, ExposureProvider, GrpcProvider, SendError, async_trait,
};
use exposure_testkit::TestServer;
use parking_lot::Mutex;

/// Sends over gRPC, with whatever goes wrong in between.
pub(crate) struct Lossy {
    url: String,
    is_streaming: bool,
    mood: Arc<Mutex<Mood>>,
    inner: GrpcProvider,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Fine,
    /// Nothing comes there.
    Down,
    /// All comes there, and nobody hears of it.
    Mute,
    /// All comes there, and there is no end of waiting for the answer.
    Hanging,
    /// Every other exposure comes there.
    Half,
    /// All comes there, and the answer tells of half.
    Mumbling,
    Throttled,
    /// All comes there, and then it panics, over more than one.
    Panicking,
}

impl Mood {
    pub(crate) const ALL: &[Self] = &[
        Self::Fine,
        Self::Down,
        Self::Mute,
        Self::Hanging,
        Self::Half,
        Self::Mumbling,
        Self::Throttled,
        Self::Panicking,
    ];
}

impl Lossy {
    pub(crate) fn new(url: String, is_streaming: bool) -> Self {
        Self::over(url, is_streaming, Arc::new(Mutex::new(Mood::Fine)))
    }

    /// A way of its own to the same server, in the same mood from now on.
    pub(crate) fn again(&self) -> Self {
        Self::over(self.url.clone(), self.is_streaming, Arc::clone(&self.mood))
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn over(url: String, is_streaming: bool, mood: Arc<Mutex<Mood>>) -> Self {
        let builder = GrpcProvider::builder(&*url).api_key(TestServer::KEY).max_events(7);
        let builder = if is_streaming { builder } else { builder.unary() };
        Self { url, is_streaming, mood, inner: builder.build().unwrap() }
    }
}

#[async_trait]
impl ExposureProvider for Lossy {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn limits(&self) -> BatchLimits {
        self.inner.limits()
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        let mood = *self.mood.lock();
        match mood {
            Mood::Down => return Err(SendError::unavailable("down")),
            Mood::Throttled => return Ok(batch.all(Delivery::Retry { after: None })),
            Mood::Half => {
                let every_other = batch.exposures().iter().step_by(2).cloned().collect();
                let half = Batch::new(every_other, batch.account().clone(), batch.client_id());
                let mut answers = self.inner.send(&half).await?.into_iter();
                let mut index = 0..;
                return Ok(batch.each(|_| {
                    let is_sent = index.next().is_some_and(|index| index % 2 == 0);
                    let answer = is_sent.then(|| answers.next()).flatten();
                    answer.unwrap_or(Delivery::Retry { after: None })
                }));
            }
            _ => {}
        }
        let mut answers = self.inner.send(batch).await?;
        match mood {
            Mood::Mute => return Err(SendError::unavailable("the answer is lost")),
            Mood::Hanging => std::future::pending().await,
            Mood::Mumbling => answers.truncate(answers.len() / 2),
            Mood::Panicking if 1 < batch.exposures().len() => panic!("as the test told it to"),
            _ => {}
        }
        Ok(answers)
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
