//! Foreign bodies to exposure events, and outcomes to foreign answers. Pure.
