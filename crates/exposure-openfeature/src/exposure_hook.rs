use std::fmt;
use std::sync::Arc;

use exposure_client::{ExposureClient, User};
use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, Hook, HookContext, HookHints, Value,
    async_trait,
};

use crate::identity;
use crate::reading::{Reading, read};

/// Tracks evaluations through a client. Cheap to clone.
///
/// Add it to the API for all clients, to one client, or to single evaluations; to one of them
/// only, or each evaluation is looked at twice, and counted as a repeat.
#[derive(Clone)]
pub struct ExposureHook {
    client: ExposureClient,
    identify: Arc<dyn Fn(&EvaluationContext) -> User + Send + Sync>,
    experiment_key_field: Arc<str>,
    defaults_are_variants: bool,
}

impl ExposureHook {
    /// A hook that tracks through this client.
    pub fn new(client: ExposureClient) -> Self {
        Self {
            client,
            identify: Arc::new(|context| identity::user(context, "device_id")),
            experiment_key_field: "experimentKey".into(),
            defaults_are_variants: false,
        }
    }

    /// The custom field of the evaluation context that holds the `device_id`, a text or an
    /// integer. Default: `device_id`.
    ///
    /// In place of what [`identify`](Self::identify) set before.
    #[must_use]
    pub fn device_id_field(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.identify = Arc::new(move |context| identity::user(context, &name));
        self
    }

    /// Says who a user is by the evaluation context, for instance where the targeting key is a
    /// device. It is called at each evaluation. Default: the targeting key is the `user_id`, and
    /// the field `device_id` the device.
    ///
    /// In place of what [`device_id_field`](Self::device_id_field) set before.
    #[must_use]
    pub fn identify(
        mut self,
        identify: impl Fn(&EvaluationContext) -> User + Send + Sync + 'static,
    ) -> Self {
        self.identify = Arc::new(identify);
        self
    }

    /// The field of a flag's metadata that holds the experiment key, a text or an integer.
    /// Default: `experimentKey`.
    #[must_use]
    pub fn experiment_key_field(mut self, name: impl Into<Arc<str>>) -> Self {
        self.experiment_key_field = name.into();
        self
    }

    /// Tracks evaluations with reason `DEFAULT` or `DISABLED` as any other, by their variant.
    /// That is what counts where evaluations come over OTLP. Default: they unset.
    #[must_use]
    pub fn defaults_are_variants(mut self) -> Self {
        self.defaults_are_variants = true;
        self
    }

    /// The client that it tracks through.
    pub fn client(&self) -> &ExposureClient {
        &self.client
    }
}

#[async_trait]
impl Hook for ExposureHook {
    async fn before<'a>(
        &self,
        _context: &HookContext<'a>,
        _hints: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    /// It is awaited by whoever evaluates: nothing here waits.
    async fn after<'a>(
        &self,
        context: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _hints: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        let reading = Reading {
            experiment_key_field: &self.experiment_key_field,
            defaults_are_variants: self.defaults_are_variants,
        };
        if let Some(variant) = read(details, reading) {
            let user = (self.identify)(context.evaluation_context);
            // What becomes of it is in the client's account.
            let _tracked = self.client.track(&user, context.flag_key, Some(&variant));
        }
        Ok(())
    }

    async fn error<'a>(
        &self,
        _context: &HookContext<'a>,
        _error: &EvaluationError,
        _hints: Option<&'a HookHints>,
    ) {
    }

    async fn finally<'a>(
        &self,
        _context: &HookContext<'a>,
        _details: &EvaluationDetails<Value>,
        _hints: Option<&'a HookHints>,
    ) {
    }
}

impl fmt::Debug for ExposureHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposureHook")
            .field("client", &self.client)
            .field("experiment_key_field", &self.experiment_key_field)
            .field("defaults_are_variants", &self.defaults_are_variants)
            .finish_non_exhaustive()
    }
}
