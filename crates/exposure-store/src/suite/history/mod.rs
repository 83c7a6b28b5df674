//! Random histories, from small alphabets so that collisions are frequent.

mod arrival;
mod event;
mod names;
mod plan;
mod strategy;

pub use arrival::{Arrival, batches, commit, owned_origin};
pub use event::{Event, intern};
pub use names::{DEVICES, EXPERIMENTS, FLAGS, INSERT_IDS, PROJECTS, START, USERS, VARIANTS};
pub use plan::{Break, Plan, plan};
pub use strategy::{arrival, event, history};
