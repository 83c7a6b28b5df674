use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

use super::ExposureService;
use crate::{ExposureClient, User};

/// A tower layer that gives each request a [`RequestExposures`](crate::RequestExposures), among
/// its extensions, which tracks for the request's user.
///
/// A closure says who that is, by the request's head: a header, a cookie, or what a layer outside
/// of this one put among the extensions. Whoever it names once counts for all that the request
/// tracks, also when a handler logs somebody in. `None` is nobody: then nothing is tracked.
///
/// ```
/// use exposure_client::{ExposureLayer, User};
/// # use exposure_client::{ExposureClient, InMemorySource, provider::MemoryProvider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = ExposureClient::builder(InMemorySource::new())
/// #     .provider(MemoryProvider::new())
/// #     .build()?;
/// let layer = ExposureLayer::new(client, |head| {
///     let user_id = head.headers.get("x-user-id")?.to_str().ok()?;
///     Some(User::new(user_id))
/// });
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
pub struct ExposureLayer<F> {
    client: ExposureClient,
    identify: Arc<F>,
}

impl<F> ExposureLayer<F>
where
    F: Fn(&Parts) -> Option<User>,
{
    /// A layer that tracks with this client, for whom the closure names.
    pub fn new(client: ExposureClient, identify: F) -> Self {
        Self { client, identify: Arc::new(identify) }
    }
}

impl<S, F> Layer<S> for ExposureLayer<F> {
    type Service = ExposureService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        ExposureService::new(inner, self.client.clone(), Arc::clone(&self.identify))
    }
}

impl<F> Clone for ExposureLayer<F> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), identify: Arc::clone(&self.identify) }
    }
}

impl<F> fmt::Debug for ExposureLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposureLayer").field("client", &self.client).finish_non_exhaustive()
    }
}
