use std::fmt;

use exposure_core::Timestamp;

/// Where the time comes from. The server gives the system's clock, tests give their own.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Where unpredictable bytes come from: secrets of keys are made of them.
pub trait Entropy: Send + Sync + fmt::Debug + 'static {
    /// Fills the bytes with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}
