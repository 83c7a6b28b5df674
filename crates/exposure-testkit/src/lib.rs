//! What the tests of several crates share: histories, clocks, a naive model.
