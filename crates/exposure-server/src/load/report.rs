use serde_json::{Value, json};

use super::options::{Mode, Options};
use super::tally::Tally;
use crate::console::{self, Table};
use crate::failure::Result;

/// What a run came to.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) writes: Tally,
    pub(super) reads: Tally,
    pub(super) seconds: f64,
    /// Whether the server's counts grew by what was sent; `None` where it was not asked.
    pub(super) counts_match: Option<bool>,
}

impl Report {
    pub(super) fn print(&self, options: &Options) -> Result<()> {
        let members = self.members(options);
        if options.client.json {
            return console::json(&members);
        }
        let mut table = Table::new(&["measure", "value"]);
        // A list of all seconds is for programs.
        let shown = |name: &str| name != "events_each_s";
        for (name, value) in members.as_object().into_iter().flatten().filter(|it| shown(it.0)) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            table.row([name.clone(), value]);
        }
        // What is always 0 in a sound run is told to people alone.
        table.row(["duplicates".to_owned(), self.writes.outcomes.duplicate.to_string()]);
        table.row(["retries".to_owned(), self.writes.retries.to_string()]);
        table.print("")
    }

    /// Events that were answered in each whole second.
    fn whole_seconds(&self) -> &[u64] {
        let all = self.writes.per_second();
        all.get(..all.len().min(self.seconds as usize)).unwrap_or_default()
    }

    /// What an open loop has beside: batches by what became of them.
    fn open_members(&self) -> serde_json::Map<String, Value> {
        let writes = &self.writes;
        let members = [
            ("accepted_batches", json!(writes.n_answered())),
            ("refused_batches", json!(writes.n_refused())),
            ("not_sent_batches", json!(writes.not_sent)),
            ("unknown_events", json!(writes.unknown)),
            ("peak_in_flight", json!(writes.peak)),
            ("refused_p50_ms", json!(writes.refusal_quantile_ms(0.5))),
            ("refused_p99_ms", json!(writes.refusal_quantile_ms(0.99))),
            ("refused_max_ms", json!(writes.refusal_quantile_ms(1.0))),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn members(&self, options: &Options) -> Value {
        let events = self.writes.outcomes.total();
        let mut members = json!({
            "mode": match options.mode {
                Mode::Unary => "unary",
                Mode::Stream => "stream",
                Mode::Amplitude => "amplitude",
            },
            "batch": options.batch,
            "in_flight": options.n_in_flight(),
            "streams": match options.mode {
                Mode::Unary | Mode::Amplitude => 0,
                Mode::Stream => options.streams,
            },
            "events": events,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
            "events_per_s": (events as f64 / self.seconds.max(1e-9)).round(),
            "p50_ms": self.writes.quantile_ms(0.5),
            "p99_ms": self.writes.quantile_ms(0.99),
            "max_ms": self.writes.quantile_ms(1.0),
            "events_each_s": self.whole_seconds(),
            "rejected": self.writes.outcomes.rejected,
            "counts_match": self.counts_match,
        });
        if let Some(members) = members.as_object_mut().filter(|_| options.open_loop) {
            members.extend(self.open_members());
        }
        if let Some(members) = members.as_object_mut().filter(|_| !self.reads.is_empty()) {
            members.insert("read_p50_ms".to_owned(), json!(self.reads.quantile_ms(0.5)));
            members.insert("read_p99_ms".to_owned(), json!(self.reads.quantile_ms(0.99)));
        }
        members
    }
}
