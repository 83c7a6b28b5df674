//! The client as programs and providers see it.

mod bad_input;
mod ending;
mod providers;
mod rules;
mod support;
