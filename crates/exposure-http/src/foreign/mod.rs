//! The paths that other vendors' SDKs send to, each with the answers its SDKs depend on.

mod body;
mod cors;
mod failure;
mod meter;
mod route;

pub(crate) use cors::cors;
pub(crate) use failure::failed;
pub(crate) use meter::ProtocolMeter;
pub(crate) use route::foreign;
