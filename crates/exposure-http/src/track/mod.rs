//! `POST /v1/exposures`: our own JSON.

mod answer;
mod body;
mod exposure;
mod member;
mod route;
mod time;

pub(crate) use route::track;
pub(crate) use time::{parse_time, show_time, show_time_in};
