use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use exposure_core::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};
use parking_lot::Mutex;

use super::report::Reported;
use super::{AccountFigures, SenderAccount};

/// The last account of each client of a project, up to a limit; past it those go that reported
/// longest ago.
pub(crate) struct AccountBook {
    book: Mutex<Book>,
    limit: usize,
}

#[derive(Default)]
struct Book {
    clients: HashMap<Arc<Client>, Entry, RandomState>,
    /// The clients by their last report, the one longest ago first.
    turns: BTreeMap<u64, Arc<Client>>,
    next_turn: u64,
    /// What is known of a library beside its clients. Names of libraries are bounded.
    senders: BTreeMap<Arc<str>, Sender>,
}

#[derive(PartialEq, Eq, Hash)]
struct Client {
    library: Arc<str>,
    id: Box<str>,
}

/// A client that is looked for, with the hash of one that is kept.
#[derive(Hash)]
struct Wanted<'a> {
    library: &'a str,
    id: &'a str,
}

struct Entry {
    turn: u64,
    figures: AccountFigures,
}

#[derive(Default)]
struct Sender {
    evicted: u64,
    ignored: u64,
    last_report: Option<Timestamp>,
}

impl AccountBook {
    pub(crate) fn new(limit: usize) -> Self {
        Self { book: Mutex::default(), limit: limit.max(1) }
    }

    /// Keeps an account, unless a later one of the client is kept already.
    pub(super) fn keep(
        &self,
        library: &str,
        client_id: &str,
        figures: AccountFigures,
        now: Timestamp,
    ) -> Reported {
        let mut book = self.book.lock();
        let book = &mut *book;
        let turn = book.next_turn;
        book.next_turn += 1;
        let (library, sender) = book.sender(library);
        sender.last_report = sender.last_report.max(Some(now));
        let wanted = Wanted { library: &library, id: client_id };
        if let Some(entry) = book.clients.get_mut(&wanted) {
            if let Some(client) = book.turns.remove(&entry.turn) {
                book.turns.insert(turn, client);
            }
            entry.turn = turn;
            if !follows(&figures, &entry.figures) {
                return Reported::Outdated;
            }
            entry.figures = figures;
            return Reported::Kept;
        }
        if self.limit <= book.clients.len() {
            book.evict();
        }
        let client = Arc::new(Client { library, id: client_id.into() });
        book.turns.insert(turn, Arc::clone(&client));
        book.clients.insert(client, Entry { turn, figures });
        Reported::Kept
    }

    /// Counts an account that is ignored; says whether it is the library's first.
    pub(super) fn ignore(&self, library: &str) -> bool {
        let mut book = self.book.lock();
        let (_, sender) = book.sender(library);
        sender.ignored += 1;
        sender.ignored == 1
    }

    /// What is kept, added up by library.
    pub(crate) fn by_library(&self) -> BTreeMap<Arc<str>, SenderAccount> {
        let book = self.book.lock();
        let of_sender = |(library, sender): (&Arc<str>, &Sender)| {
            let account = SenderAccount {
                evicted: sender.evicted,
                ignored: sender.ignored,
                last_report: sender.last_report,
                ..SenderAccount::default()
            };
            (Arc::clone(library), account)
        };
        let mut sums: BTreeMap<_, _> = book.senders.iter().map(of_sender).collect();
        for client in book.turns.values() {
            let entry = book.clients.get(client);
            if let (Some(entry), Some(sum)) = (entry, sums.get_mut(&client.library)) {
                sum.clients += 1;
                sum.figures.add(&entry.figures);
            }
        }
        sums
    }
}

impl Book {
    fn sender(&mut self, library: &str) -> (Arc<str>, &mut Sender) {
        let name = match self.senders.get_key_value(library) {
            Some((name, _)) => Arc::clone(name),
            None => library.into(),
        };
        (Arc::clone(&name), self.senders.entry(name).or_default())
    }

    fn evict(&mut self) {
        if let Some((_, client)) = self.turns.pop_first() {
            self.clients.remove(&client);
            let (_, sender) = self.sender(&client.library);
            sender.evicted += 1;
        }
    }
}

/// Whether an account is a later one than another of the same client. What is tracked only
/// grows; while nothing more is, what is pending only shrinks.
fn follows(later: &AccountFigures, earlier: &AccountFigures) -> bool {
    (later.tracked, earlier.pending) >= (earlier.tracked, later.pending)
}

impl Equivalent<Arc<Client>> for Wanted<'_> {
    fn equivalent(&self, client: &Arc<Client>) -> bool {
        *self.library == *client.library && *self.id == *client.id
    }
}

impl fmt::Debug for AccountBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountBook").field("limit", &self.limit).finish_non_exhaustive()
    }
}
