//! Exposures to Amplitude's HTTP V2 API, or to whatever speaks it.

mod amplitude_provider;
mod answer;
mod builder;
mod upload;

pub use amplitude_provider::AmplitudeProvider;
pub use builder::AmplitudeProviderBuilder;
