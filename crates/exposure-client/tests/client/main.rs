//! The client as programs and providers see it.

mod bad_input;
mod durable;
mod ending;
mod history;
mod providers;
mod rules;
mod support;
