//! Exposures over gRPC to an exposure server: a stream with acknowledgements, single calls where
//! streams do not get through.

mod account;
mod answer;
mod builder;
mod connection;
mod decode;
mod encode;
mod grpc_provider;
mod stream;

pub use builder::{GrpcProviderBuilder, GrpcProviderError};
pub use grpc_provider::GrpcProvider;
