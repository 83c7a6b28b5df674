//! Flags through OpenFeature, exposures tracked by a hook.
//!
//! `cargo run -p exposure-openfeature --example openfeature -- http://127.0.0.1:7070 KEY`
//!
//! Without arguments, a server in this process stands in.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::time::Duration;

use exposure_client::provider::GrpcProvider;
use exposure_client::{ExposureClient, InMemorySource};
use exposure_openfeature::ExposureHook;
use exposure_testkit::TestServer;
use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{
    EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationReason, EvaluationResult,
    OpenFeature, StructValue, async_trait,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let stand_in = TestServer::start()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let server = match &arguments[..] {
        [url, key] => GrpcProvider::builder(url).api_key(key),
        _ => GrpcProvider::builder(stand_in.grpc()).api_key(TestServer::KEY),
    };
    let client =
        ExposureClient::builder(InMemorySource::new()).provider(server.build()?).build()?;

    let mut api = OpenFeature::singleton_mut().await;
    api.set_provider(ByLength::new()).await;
    api.add_hook(ExposureHook::new(client.clone())).await;
    let features = api.create_client();
    drop(api);

    for user_id in ["user-1", "user-22", "user-1"] {
        let context = EvaluationContext::default().with_targeting_key(user_id);
        let value = features.get_string_value("button", Some(&context), None).await;
        println!("{user_id} sees {}", value.unwrap_or_else(|_| "grey".into()));
    }

    let report = client.shutdown(Duration::from_secs(10)).await;
    let account = report.account;
    println!("{} delivered, {} repeats", account.delivered, account.deduplicated);
    if arguments.is_empty() {
        println!("{}", stand_in.get("/v1/properties?user_id=user-22")?);
    }
    Ok(())
}

/// A provider of a single flag, which splits users by the length of their id.
struct ByLength(ProviderMetadata);

impl ByLength {
    fn new() -> Self {
        Self(ProviderMetadata::new("by length"))
    }
}

#[async_trait]
impl FeatureProvider for ByLength {
    fn metadata(&self) -> &ProviderMetadata {
        &self.0
    }

    async fn resolve_string_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        let Some(key) = context.targeting_key.as_deref().filter(|_| flag_key == "button") else {
            return unknown();
        };
        let (variant, value) =
            if key.len() % 2 == 0 { ("control", "blue") } else { ("treatment", "green") };
        Ok(ResolutionDetails {
            value: value.into(),
            variant: Some(variant.into()),
            reason: Some(EvaluationReason::Split),
            flag_metadata: None,
        })
    }

    async fn resolve_bool_value(
        &self,
        _flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        unknown()
    }

    async fn resolve_int_value(
        &self,
        _flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        unknown()
    }

    async fn resolve_float_value(
        &self,
        _flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        unknown()
    }

    async fn resolve_struct_value(
        &self,
        _flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        unknown()
    }
}

fn unknown<T>() -> EvaluationResult<ResolutionDetails<T>> {
    Err(EvaluationError::builder().code(EvaluationErrorCode::FlagNotFound).build())
}
