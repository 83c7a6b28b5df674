use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http::request::Parts;
use tower_service::Service;

use super::RequestExposures;
use crate::{ExposureClient, User};

/// The service that an [`ExposureLayer`](crate::ExposureLayer) puts around another.
pub struct ExposureService<S, F> {
    inner: S,
    client: ExposureClient,
    identify: Arc<F>,
}

impl<S, F> ExposureService<S, F> {
    pub(super) fn new(inner: S, client: ExposureClient, identify: Arc<F>) -> Self {
        Self { inner, client, identify }
    }
}

impl<S, F, B> Service<Request<B>> for ExposureService<S, F>
where
    S: Service<Request<B>>,
    F: Fn(&Parts) -> Option<User>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let user = (self.identify)(&head);
        head.extensions.insert(RequestExposures::new(self.client.clone(), user));
        self.inner.call(Request::from_parts(head, body))
    }
}

impl<S: Clone, F> Clone for ExposureService<S, F> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            client: self.client.clone(),
            identify: Arc::clone(&self.identify),
        }
    }
}

impl<S: fmt::Debug, F> fmt::Debug for ExposureService<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposureService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
