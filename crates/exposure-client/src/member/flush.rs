use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The answers of several providers, told when the last one is in.
#[derive(Debug)]
pub(crate) struct Gathering(Mutex<State>);

#[derive(Debug)]
struct State {
    n_open: usize,
    unanswered: Vec<String>,
    n_left: u64,
    done: Option<oneshot::Sender<Gathered>>,
}

/// What a provider has not delivered of what it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) n_events: u64,
}

/// What all providers answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// What is left over all providers.
    pub(crate) n_left: u64,
    /// Those that never answered.
    pub(crate) unresponsive: Vec<String>,
}

impl Gathering {
    /// Waits for these.
    pub(crate) fn new(names: Vec<String>) -> (Self, oneshot::Receiver<Gathered>) {
        let (sender, receiver) = oneshot::channel();
        let state = State { n_open: names.len(), unanswered: names, n_left: 0, done: Some(sender) };
        (Self(Mutex::new(state)), receiver)
    }

    pub(crate) fn answer(&self, name: &str, left: Left) {
        let mut state = self.0.lock();
        state.n_left += left.n_events;
        if let Some(place) = state.unanswered.iter().position(|other| other == name) {
            state.unanswered.swap_remove(place);
        }
        state.n_open = state.n_open.saturating_sub(1);
        if state.n_open == 0 {
            state.tell();
        }
    }

    /// Waits no longer.
    pub(crate) fn give_up(&self) {
        self.0.lock().tell();
    }
}

impl State {
    fn tell(&mut self) {
        if let Some(done) = self.done.take() {
            let unresponsive = std::mem::take(&mut self.unanswered);
            // Whoever asked may have stopped waiting.
            drop(done.send(Gathered { n_left: self.n_left, unresponsive }));
        }
    }
}
