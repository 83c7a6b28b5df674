use std::sync::Arc;

use serde_json::Value;

use super::Metadata;

/// The variant of a flag for a user. Cheap to clone.
///
/// ```
/// use exposure_client::Variant;
///
/// let variant = Variant::new("treatment");
/// assert_eq!(variant.key(), Some("treatment"));
///
/// let off = Variant::builder().key("off").default_variant().build();
/// assert!(off.is_default());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Variant(Arc<Inner>);

/// Puts a [`Variant`] together.
#[derive(Clone, Debug, Default)]
pub struct VariantBuilder {
    key: Option<Arc<str>>,
    value: Option<Arc<str>>,
    payload: Option<Value>,
    experiment_key: Option<Arc<str>>,
    is_default: bool,
    origin: Origin,
    metadata: Option<Metadata>,
}

/// Where a variant comes from, for what tracking makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The flag was evaluated.
    #[default]
    Evaluation,
    /// The flag is not known, and the program's own fallback stands in: tracks nothing.
    Fallback,
    /// The evaluation gave the default variant, and a fallback stands in for it: tracks an unset.
    FallbackOverDefault,
}

#[derive(Debug, PartialEq)]
struct Inner {
    key: Option<Arc<str>>,
    value: Option<Arc<str>>,
    payload: Option<Value>,
    experiment_key: Option<Arc<str>>,
    is_default: bool,
    origin: Origin,
    metadata: Option<Metadata>,
}

impl Variant {
    /// A variant with this key, evaluated, with nothing else.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self::builder().key(key).build()
    }

    /// A variant with more to it.
    pub fn builder() -> VariantBuilder {
        VariantBuilder::default()
    }

    /// What it is called.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What it is worth to the program, where that is a text of its own.
    pub fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// What the program is given besides.
    pub fn payload(&self) -> Option<&Value> {
        self.0.payload.as_ref()
    }

    /// The run of the flag: its own, or the metadata's `experimentKey`.
    pub fn experiment_key(&self) -> Option<&str> {
        self.shared_experiment_key().map(|key| &**key)
    }

    /// Whether it says that the user is not in the experiment.
    pub fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// What else the evaluation says.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.0.metadata.as_ref()
    }

    /// The same variant from elsewhere.
    #[must_use]
    pub fn with_origin(&self, origin: Origin) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            key: inner.key.clone(),
            value: inner.value.clone(),
            payload: inner.payload.clone(),
            experiment_key: inner.experiment_key.clone(),
            is_default: inner.is_default,
            origin,
            metadata: inner.metadata.clone(),
        }))
    }

    /// What is tracked of it where it is tracked as set: the key, else the value.
    pub(crate) fn tracked(&self) -> Option<&Arc<str>> {
        let present = |text: &&Arc<str>| !text.is_empty();
        let key = self.0.key.as_ref().filter(present);
        key.or_else(|| self.0.value.as_ref().filter(present))
    }

    pub(crate) fn shared_experiment_key(&self) -> Option<&Arc<str>> {
        self.0.experiment_key.as_ref().filter(|key| !key.is_empty())
    }
}

impl VariantBuilder {
    /// What it is called: 1 to 1024 characters.
    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What it is worth to the program; tracked where there is no key.
    #[must_use]
    pub fn value(mut self, value: impl Into<Arc<str>>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// What the program is given besides. Never sent.
    #[must_use]
    pub fn payload(mut self, payload: Value) -> Self {
        self.payload = Some(payload);
        self
    }

    /// The run of the flag: 1 to 1024 characters. Default: the metadata's `experimentKey`.
    #[must_use]
    pub fn experiment_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.experiment_key = Some(key.into());
        self
    }

    /// Says that the user is not in the experiment. Default: the metadata's `default`.
    #[must_use]
    pub fn default_variant(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// Where it comes from. Default: [`Origin::Evaluation`].
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// What else the evaluation says.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// The variant.
    pub fn build(self) -> Variant {
        let of_metadata = || self.metadata.as_ref()?.experiment_key().map(Arc::from);
        let experiment_key = self.experiment_key.or_else(of_metadata);
        let is_default =
            self.is_default || self.metadata.as_ref().is_some_and(Metadata::is_default);
        Variant(Arc::new(Inner {
            key: self.key,
            value: self.value,
            payload: self.payload,
            experiment_key,
            is_default,
            origin: self.origin,
            metadata: self.metadata,
        }))
    }
}
