//! Segment, RudderStack, PostHog and GrowthBook: what their SDKs sent, and every odd form of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod captures;
mod growthbook;
mod hostile;
mod posthog;
mod segment;
mod setup;
mod world;
