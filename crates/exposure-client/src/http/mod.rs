//! What the providers over HTTP share: a client that posts JSON to one address, and its answers.

mod answer;
mod error;
mod http_client;
mod json;

pub(crate) use answer::Answer;
pub use error::HttpProviderError;
pub(crate) use http_client::HttpClient;
pub(crate) use json::raw;
