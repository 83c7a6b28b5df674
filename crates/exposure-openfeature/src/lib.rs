//! Tracks the exposure of every flag that a program evaluates through OpenFeature, whatever
//! provider stands behind it.
//!
//! A hook looks at each evaluation that succeeded and hands it to an
//! [`ExposureClient`](exposure_client::ExposureClient), which knows repeats and sends the rest:
//!
//! ```
//! use exposure_client::provider::MemoryProvider;
//! use exposure_client::{ExposureClient, InMemorySource};
//! use exposure_openfeature::ExposureHook;
//! use open_feature::{EvaluationContext, OpenFeature};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Variants come from OpenFeature, so that the client needs no source of its own.
//! let client = ExposureClient::builder(InMemorySource::new())
//!     .provider(MemoryProvider::new())
//!     .build()?;
//!
//! let mut api = OpenFeature::singleton_mut().await;
//! api.add_hook(ExposureHook::new(client.clone())).await;
//! // And the provider of your choice: `api.set_provider(…).await`.
//! let features = api.create_client();
//! drop(api);
//!
//! let context = EvaluationContext::default().with_targeting_key("user-1");
//! let color = features.get_string_value("button", Some(&context), None).await;
//! // Without a provider there is no flag, and nothing was tracked.
//! assert!(color.is_err());
//! assert_eq!(client.account().tracked, 0);
//! # Ok(())
//! # }
//! ```
//!
//! What an evaluation counts as:
//!
//! | evaluation | tracked |
//! |---|---|
//! | failed: no such flag, another type, provider not ready | nothing |
//! | reason `ERROR` | nothing |
//! | reason `DEFAULT` or `DISABLED`, or metadata `default: true` | an unset: the user is not in the experiment |
//! | metadata `trackExposure: false` | nothing |
//! | with a variant | that variant |
//! | without one, of a boolean, a number or a text | the value as text |
//! | without one, of an empty text or a structure | nothing |
//!
//! The targeting key is the `user_id`. The custom field `device_id` of the evaluation context is
//! the `device_id`, and `experimentKey` of the flag's metadata the experiment key; both names can
//! be changed, and so can [who the user is](ExposureHook::identify). An evaluation without any id
//! can be nobody's exposure: the client counts it as dropped, because it is invalid.
//!
//! The hook never waits and never fails an evaluation: what there is no room for is dropped and
//! counted by the client.

mod exposure_hook;
mod identity;
mod reading;

pub use exposure_hook::ExposureHook;
