//! The client against a real server, and against ones that misbehave.

mod faults;
mod faulty;
mod flows;
mod killed;
