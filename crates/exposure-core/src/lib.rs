//! The rules of exposure tracking: events, registers, ownership, validation. Pure.
