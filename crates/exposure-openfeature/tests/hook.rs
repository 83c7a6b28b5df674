//! The hook in the real crate, before a provider that answers as a test wants.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use exposure_client::provider::{MemoryProvider, Reply};
use exposure_client::{DropReason, Exposure, ExposureClient, InMemorySource, User};
use exposure_openfeature::ExposureHook;
use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{
    Client, EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationOptions,
    EvaluationReason, EvaluationResult, FlagMetadata, OpenFeature, StructValue, Value, async_trait,
};

/// Answers with what was set for a flag.
#[derive(Clone, Default)]
struct Flags {
    metadata: ProviderMetadata,
    flags: Arc<Mutex<BTreeMap<String, ResolutionDetails<Value>>>>,
}

impl Flags {
    fn set(&self, flag_key: &str, details: ResolutionDetails<Value>) {
        self.flags.lock().unwrap().insert(flag_key.into(), details);
    }

    fn resolve<T>(
        &self,
        flag_key: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> EvaluationResult<ResolutionDetails<T>> {
        let error = |code| EvaluationError::builder().code(code).build();
        let flags = self.flags.lock().unwrap();
        let details =
            flags.get(flag_key).ok_or_else(|| error(EvaluationErrorCode::FlagNotFound))?;
        let value = read(&details.value).ok_or_else(|| error(EvaluationErrorCode::TypeMismatch))?;
        Ok(ResolutionDetails {
            value,
            variant: details.variant.clone(),
            reason: details.reason.clone(),
            flag_metadata: details.flag_metadata.clone(),
        })
    }
}

#[async_trait]
impl FeatureProvider for Flags {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.resolve(flag_key, Value::as_bool)
    }

    async fn resolve_int_value(
        &self,
        flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.resolve(flag_key, Value::as_i64)
    }

    async fn resolve_float_value(
        &self,
        flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.resolve(flag_key, Value::as_f64)
    }

    async fn resolve_string_value(
        &self,
        flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.resolve(flag_key, |value| value.as_str().map(str::to_owned))
    }

    async fn resolve_struct_value(
        &self,
        flag_key: &str,
        _context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.resolve(flag_key, |value| value.as_struct().cloned())
    }
}

struct World {
    flags: Flags,
    received: MemoryProvider,
    client: ExposureClient,
    features: Client,
}

impl World {
    /// With a hook of the API, changed so.
    async fn with(change: impl Fn(ExposureHook) -> ExposureHook) -> Self {
        let mut world = Self::without_hook().await;
        let mut api = OpenFeature::default();
        api.set_provider(world.flags.clone()).await;
        api.add_hook(change(ExposureHook::new(world.client.clone()))).await;
        world.features = api.create_client();
        world
    }

    async fn new() -> Self {
        Self::with(|hook| hook).await
    }

    async fn without_hook() -> Self {
        let (flags, received) = (Flags::default(), MemoryProvider::new());
        let client = ExposureClient::builder(InMemorySource::new())
            .provider(received.clone())
            .queue_events(4)
            .build()
            .unwrap();
        let mut api = OpenFeature::default();
        api.set_provider(flags.clone()).await;
        Self { flags, received, client, features: api.create_client() }
    }

    /// Evaluates a flag of text for a user on a device.
    async fn evaluate(&self, flag_key: &str) -> EvaluationResult<String> {
        self.features.get_string_value(flag_key, Some(&context()), None).await
    }

    async fn exposures(&self) -> Vec<Arc<Exposure>> {
        self.client.flush().await;
        assert!(self.client.account().closes());
        let mut exposures = self.received.exposures();
        exposures.sort_by_key(|exposure| exposure.sequence);
        exposures
    }

    /// What was tracked, as flags and variants; `-` unsets.
    async fn seen(&self) -> Vec<String> {
        let line = |one: &Arc<Exposure>| {
            format!("{} {}", one.flag_key, one.variant.as_deref().unwrap_or("-"))
        };
        self.exposures().await.iter().map(line).collect()
    }
}

fn context() -> EvaluationContext {
    EvaluationContext::default()
        .with_targeting_key("user-1")
        .with_custom_field("device_id", "device-1")
}

fn details(value: impl Into<Value>) -> ResolutionDetails<Value> {
    ResolutionDetails { value: value.into(), variant: None, reason: None, flag_metadata: None }
}

fn variant(variant: &str) -> ResolutionDetails<Value> {
    ResolutionDetails { variant: Some(variant.into()), ..details("value") }
}

fn with(reason: EvaluationReason, of: ResolutionDetails<Value>) -> ResolutionDetails<Value> {
    ResolutionDetails { reason: Some(reason), ..of }
}

fn described(metadata: FlagMetadata, of: ResolutionDetails<Value>) -> ResolutionDetails<Value> {
    ResolutionDetails { flag_metadata: Some(metadata), ..of }
}

#[tokio::test]
async fn an_evaluation_is_tracked_with_all_it_says() {
    let world = World::new().await;
    let metadata = FlagMetadata::default()
        .with_value("experimentKey", "run-1")
        .with_value("version", 7)
        .with_value("share", 0.5)
        .with_value("beta", true);
    world.flags.set("f", described(metadata, variant("on")));
    assert_eq!(world.evaluate("f").await.unwrap(), "value");
    let [exposure] = &world.exposures().await[..] else { panic!("one exposure was to come") };
    assert_eq!(exposure.user_id.as_deref(), Some("user-1"));
    assert_eq!(exposure.device_id.as_deref(), Some("device-1"));
    assert_eq!((&*exposure.flag_key, exposure.variant.as_deref()), ("f", Some("on")));
    assert_eq!(exposure.experiment_key.as_deref(), Some("run-1"));
    let metadata = exposure.metadata.as_ref().unwrap().json();
    assert_eq!(metadata, r#"{"beta":true,"experimentKey":"run-1","share":0.5,"version":7}"#);
}

#[tokio::test]
async fn repeats_are_known_and_flips_are_not() {
    let world = World::new().await;
    for key in ["a", "a", "b", "b", "a", "a"] {
        world.flags.set("f", variant(key));
        world.evaluate("f").await.unwrap();
    }
    assert_eq!(world.seen().await, ["f a", "f b", "f a"]);
    assert_eq!(world.client.account().deduplicated, 3);
}

#[tokio::test]
async fn reasons_decide() {
    use EvaluationReason as R;
    let reasons = [R::Static, R::Default, R::Disabled, R::Error, R::TargetingMatch, R::Split];
    let more = [R::Cached, R::Unknown, R::Other("STALE".into())];
    let reasons = || reasons.iter().chain(&more).cloned();
    let tracked = async |world: World| {
        let mut tracked = Vec::new();
        for reason in reasons() {
            let flag = reason.to_string();
            world.flags.set(&flag, with(reason, variant("on")));
            world.evaluate(&flag).await.unwrap();
            world.client.flush().await;
        }
        tracked.extend(world.seen().await);
        tracked
    };
    let expected = [
        "STATIC on",
        "DEFAULT -",
        "DISABLED -",
        "TARGETING_MATCH on",
        "SPLIT on",
        "CACHED on",
        "UNKNOWN on",
        "STALE on",
    ];
    assert_eq!(tracked(World::new().await).await, expected);
    let as_variants = World::with(ExposureHook::defaults_are_variants).await;
    let expected = expected.map(|line| line.replace('-', "on"));
    assert_eq!(tracked(as_variants).await, expected);
}

#[tokio::test]
async fn metadata_decides_as_for_any_variant() {
    let world = World::new().await;
    let said = |name: &str, value: bool| FlagMetadata::default().with_value(name, value);
    world.flags.set("hidden", described(said("trackExposure", false), variant("on")));
    world.flags.set("default", described(said("default", true), variant("off")));
    world.flags.set("bare default", described(said("default", true), details("")));
    // More metadata than can be sent does not hide the exposure.
    let long = FlagMetadata::default().with_value("long", "x".repeat(70_000));
    world.flags.set("long", described(long.clone(), variant("on")));
    let hidden = long.with_value("trackExposure", false);
    world.flags.set("long and hidden", described(hidden, variant("on")));
    for flag in ["hidden", "default", "bare default", "long", "long and hidden"] {
        world.evaluate(flag).await.unwrap();
    }
    assert_eq!(world.seen().await, ["default -", "bare default -", "long on"]);
}

#[tokio::test]
async fn what_fails_is_no_exposure() {
    let world = World::new().await;
    world.flags.set("number", details(1_i64));
    assert!(world.evaluate("unknown").await.is_err());
    assert!(world.evaluate("number").await.is_err());
    assert_eq!(world.client.account().tracked, 0);
}

#[tokio::test]
async fn without_a_variant_the_value_counts() {
    let world = World::new().await;
    let context = Some(&context()).cloned();
    let context = context.as_ref();
    world.flags.set("bool", details(true));
    world.flags.set("int", details(-3_i64));
    world.flags.set("float", details(0.5));
    world.flags.set("text", ResolutionDetails { variant: Some(String::new()), ..details("blue") });
    world.flags.set("empty", details(""));
    world.flags.set("struct", details(Value::Struct(StructValue::default())));
    world.features.get_bool_value("bool", context, None).await.unwrap();
    world.features.get_int_value("int", context, None).await.unwrap();
    world.features.get_float_value("float", context, None).await.unwrap();
    world.client.flush().await;
    world.features.get_string_value("text", context, None).await.unwrap();
    world.features.get_string_value("empty", context, None).await.unwrap();
    world.features.get_struct_value::<Empty>("struct", context, None).await.unwrap();
    assert_eq!(world.seen().await, ["bool true", "int -3", "float 0.5", "text blue"]);
}

struct Empty;

impl TryFrom<StructValue> for Empty {
    type Error = String;

    fn try_from(_value: StructValue) -> Result<Self, String> {
        Ok(Self)
    }
}

#[tokio::test]
async fn who_it_is_can_be_said() {
    let ids = async |change: fn(ExposureHook) -> ExposureHook, context: EvaluationContext| {
        let world = World::with(change).await;
        world.flags.set("f", variant("on"));
        world.features.get_string_value("f", Some(&context), None).await.unwrap();
        let exposures = world.exposures().await;
        let id = |id: &Option<Arc<str>>| id.as_deref().unwrap_or("-").to_owned();
        exposures.first().map(|one| format!("{} {}", id(&one.user_id), id(&one.device_id)))
    };
    let empty = EvaluationContext::default;
    let same = |hook| hook;
    assert_eq!(ids(same, context()).await.unwrap(), "user-1 device-1");
    assert_eq!(ids(same, empty().with_targeting_key("u")).await.unwrap(), "u -");
    assert_eq!(ids(same, empty().with_custom_field("device_id", 7)).await.unwrap(), "- 7");
    assert_eq!(ids(same, empty().with_custom_field("device_id", true)).await, None);
    let field = |hook: ExposureHook| hook.device_id_field("installation");
    let installed = context().with_custom_field("installation", "i-1");
    assert_eq!(ids(field, installed).await.unwrap(), "user-1 i-1");
    let device = |hook: ExposureHook| {
        hook.identify(|context| User::anonymous(context.targeting_key.clone().unwrap_or_default()))
    };
    assert_eq!(ids(device, context()).await.unwrap(), "- user-1");
}

#[tokio::test]
async fn an_evaluation_of_nobody_is_counted_as_dropped() {
    let world = World::new().await;
    world.flags.set("f", variant("on"));
    assert_eq!(world.features.get_string_value("f", None, None).await.unwrap(), "value");
    assert_eq!(world.client.account().dropped.get(DropReason::Invalid), 1);
}

#[tokio::test]
async fn the_experiment_key_is_in_the_field_that_was_named() {
    let world = World::with(|hook| hook.experiment_key_field("run")).await;
    let metadata = |key: i64| FlagMetadata::default().with_value("run", key);
    for run in [1, 2, 2] {
        world.flags.set("f", described(metadata(run), variant("on")));
        world.evaluate("f").await.unwrap();
    }
    let exposures = world.exposures().await;
    let keys: Vec<_> = exposures.iter().map(|one| one.experiment_key.as_deref()).collect();
    assert_eq!(keys, [Some("1"), Some("2")], "another run is another exposure");
}

#[tokio::test]
async fn a_dead_provider_and_an_ended_client_change_no_evaluation() {
    let world = World::new().await;
    world.received.always(|_| Reply::Hang);
    world.flags.set("f", variant("on"));
    for number in 0..100 {
        let context = EvaluationContext::default().with_targeting_key(format!("user-{number}"));
        let value = world.features.get_string_value("f", Some(&context), None).await;
        assert_eq!(value.unwrap(), "value");
    }
    let account = world.client.account();
    assert_eq!((account.pending, account.dropped.get(DropReason::QueueFull)), (4, 96));
    world.client.shutdown(std::time::Duration::ZERO).await;
    assert_eq!(world.evaluate("f").await.unwrap(), "value");
    assert!(world.client.account().closes());
}

#[tokio::test]
async fn it_hooks_clients_and_single_evaluations_too() {
    let world = World::without_hook().await;
    world.flags.set("f", variant("on"));
    world.evaluate("f").await.unwrap();
    assert_eq!(world.client.account().tracked, 0);
    let hook = ExposureHook::new(world.client.clone());
    let options = EvaluationOptions::default().with_hook(hook.clone());
    world.features.get_string_value("f", Some(&context()), Some(&options)).await.unwrap();
    assert_eq!(world.seen().await, ["f on"]);
    let World { features, flags, .. } = world;
    flags.set("g", variant("on"));
    let features = features.with_hook(hook.clone());
    features.get_string_value("g", Some(&context()), None).await.unwrap();
    assert_eq!(hook.client().account().tracked, 2);
}
