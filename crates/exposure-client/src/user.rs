use std::sync::Arc;

use serde_json::{Map, Value};

/// Who sees a variant: a user, a device, or both. Cheap to clone.
///
/// An empty id is an absent one. A call that tracks takes the ids as they are at that moment;
/// whatever the program does with its user afterwards, no exposure changes hands.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "both ids have names that everybody knows")]
pub struct User {
    user_id: Option<Arc<str>>,
    device_id: Option<Arc<str>>,
    attributes: Option<Arc<Map<String, Value>>>,
}

impl User {
    /// A user with this `user_id`: 1 to 1024 characters.
    pub fn new(user_id: impl Into<Arc<str>>) -> Self {
        Self { user_id: present(user_id.into()), ..Self::default() }
    }

    /// Somebody who is not logged in, known by a `device_id` of 1 to 1024 characters.
    pub fn anonymous(device_id: impl Into<Arc<str>>) -> Self {
        Self::default().with_device(device_id)
    }

    /// The same user on this device: 1 to 1024 characters.
    #[must_use]
    pub fn with_device(mut self, device_id: impl Into<Arc<str>>) -> Self {
        self.device_id = present(device_id.into());
        self
    }

    /// The same user with attributes that a [`VariantSource`](crate::VariantSource) may look at.
    ///
    /// They are never sent anywhere and do not count as identity.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Map<String, Value>) -> Self {
        self.attributes = Some(Arc::new(attributes));
        self
    }

    /// The user's id.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// The device's id.
    pub fn device_id(&self) -> Option<&str> {
        self.device_id.as_deref()
    }

    /// What a source may look at besides the ids.
    pub fn attributes(&self) -> Option<&Map<String, Value>> {
        self.attributes.as_deref()
    }

    pub(crate) fn shared_user_id(&self) -> Option<Arc<str>> {
        self.user_id.clone()
    }

    pub(crate) fn shared_device_id(&self) -> Option<Arc<str>> {
        self.device_id.clone()
    }
}

fn present(id: Arc<str>) -> Option<Arc<str>> {
    (!id.is_empty()).then_some(id)
}
