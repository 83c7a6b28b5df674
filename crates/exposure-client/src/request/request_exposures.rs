use crate::{ExposureClient, Tracked, User, Variant};

/// Variants for the user of a request, and the exposures to them: an extension that
/// [`ExposureLayer`](crate::ExposureLayer) gives each request. Cheap to clone.
///
/// With axum a handler takes it as `Extension<RequestExposures>`.
#[derive(Clone, Debug)]
pub struct RequestExposures {
    client: ExposureClient,
    user: Option<User>,
}

impl RequestExposures {
    pub(super) fn new(client: ExposureClient, user: Option<User>) -> Self {
        Self { client, user }
    }

    /// Whom it tracks for; `None` is nobody.
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// The variant of a flag for the request's user; tracks it as
    /// [`ExposureClient::variant`] does. Nobody gets what a user without ids gets, untracked.
    pub fn variant(&self, flag_key: &str) -> Option<Variant> {
        match &self.user {
            Some(user) => self.client.variant(user, flag_key),
            None => self.client.peek(&User::default(), flag_key),
        }
    }

    /// The same, or this one in place of none or of a default one; see
    /// [`ExposureClient::variant_or`].
    pub fn variant_or(&self, flag_key: &str, fallback: &Variant) -> Variant {
        if let Some(user) = &self.user {
            return self.client.variant_or(user, flag_key, fallback);
        }
        let variant = self.client.peek(&User::default(), flag_key);
        variant.filter(|variant| !variant.is_default()).unwrap_or_else(|| fallback.clone())
    }

    /// The variant of a flag for the request's user; tracks nothing.
    pub fn peek(&self, flag_key: &str) -> Option<Variant> {
        let nobody = User::default();
        self.client.peek(self.user.as_ref().unwrap_or(&nobody), flag_key)
    }

    /// Tracks the exposure of the request's user to what the flag is for them now; of nobody,
    /// nothing.
    pub fn exposure(&self, flag_key: &str) -> Tracked {
        self.user.as_ref().map_or(Tracked::Nothing, |user| self.client.exposure(user, flag_key))
    }

    /// The client behind it.
    pub fn client(&self) -> &ExposureClient {
        &self.client
    }
}
