//! A server for tests of those who send to one.

mod ask;
mod environment;
mod test_server;

pub use test_server::TestServer;
