use std::sync::Arc;

use super::Delivery;
use crate::{Account, Exposure};

/// Exposures that a provider gets at once, and the client's account as it stood when they left.
#[derive(Clone, Debug)]
pub struct Batch {
    exposures: Vec<Arc<Exposure>>,
    account: Account,
    client_id: u64,
}

impl Batch {
    /// A batch; clients make them, and so do tests of providers.
    pub fn new(exposures: Vec<Arc<Exposure>>, account: Account, client_id: u64) -> Self {
        Self { exposures, account, client_id }
    }

    /// The exposures, at least one.
    pub fn exposures(&self) -> &[Arc<Exposure>] {
        &self.exposures
    }

    /// What became of all that the client tracked so far.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A random number that tells one run of a client from another.
    pub fn client_id(&self) -> u64 {
        self.client_id
    }

    /// The same answer for each exposure.
    pub fn all(&self, delivery: Delivery) -> Vec<Delivery> {
        vec![delivery; self.exposures.len()]
    }

    /// An answer for each exposure.
    pub fn each(&self, answer: impl FnMut(&Exposure) -> Delivery) -> Vec<Delivery> {
        let mut answer = answer;
        self.exposures.iter().map(|exposure| answer(exposure)).collect()
    }
}
