use std::fmt::{self, Write as _};

use exposure_service::{Handle, Sender, SenderFigures};

/// What each sender library sent, and what its clients report, as Prometheus reads it.
///
/// What was sent is read from the store's own counts, so that it is exact, and goes on after a
/// restart; what clients report begins anew with each, and is made of gauges for that.
pub(crate) async fn senders(handle: &Handle) -> String {
    match handle.sender_figures().await {
        Ok(figures) => text(&figures),
        Err(error) => {
            tracing::warn!(%error, "the counts of senders could not be read for the metrics");
            String::new()
        }
    }
}

/// Which metric, of which kind.
type Family = (&'static str, &'static str);

const EVENTS: Family = ("exposure_sender_events_total", "counter");
const REJECTED: Family = ("exposure_sender_events_rejected_total", "counter");
const CLIENTS: Family = ("exposure_sender_clients", "gauge");
const EVICTED: Family = ("exposure_sender_clients_evicted_total", "counter");
const IGNORED: Family = ("exposure_sender_accounts_ignored_total", "counter");
const TRACKED: Family = ("exposure_sender_client_exposures", "gauge");
const DROPPED: Family = ("exposure_sender_client_exposures_dropped", "gauge");
const FAMILIES: [Family; 7] = [EVENTS, REJECTED, CLIENTS, EVICTED, IGNORED, TRACKED, DROPPED];

fn text(figures: &[SenderFigures]) -> String {
    // The lines of one metric stand together.
    let mut lines = FAMILIES.map(|family| (family, String::new()));
    for SenderFigures { project, senders } in figures {
        for sender in senders {
            let library = &sender.sent.library;
            let labels =
                format!("project=\"{}\",library=\"{}\"", Escaped(project), Escaped(library));
            tell(sender, |family, label, n| {
                if let Some((_, text)) = lines.iter_mut().find(|(of, _)| *of == family) {
                    // Writing to a string does not fail.
                    let _written = match label {
                        ("", _) => writeln!(text, "{}{{{labels}}} {n}", family.0),
                        (label, value) => {
                            writeln!(text, "{}{{{labels},{label}=\"{value}\"}} {n}", family.0)
                        }
                    };
                }
            });
        }
    }
    let mut text = String::new();
    for ((name, kind), lines) in lines {
        if !lines.is_empty() {
            let _written = write!(text, "# TYPE {name} {kind}\n{lines}");
        }
    }
    text
}

/// Each figure of a sender: its metric, one more label, and its value.
fn tell(sender: &Sender, mut line: impl FnMut(Family, (&str, &str), u64)) {
    let Sender { sent, account } = sender;
    let n_rejected: u64 = sent.rejected.iter().map(|(_, n_events)| n_events).sum();
    line(EVENTS, ("outcome", "accepted"), sent.accepted);
    line(EVENTS, ("outcome", "duplicate"), sent.duplicates);
    line(EVENTS, ("outcome", "rejected"), n_rejected);
    for (code, n_events) in &sent.rejected {
        line(REJECTED, ("code", code.as_str()), *n_events);
    }
    let Some(account) = account else { return };
    let figures = &account.figures;
    line(CLIENTS, ("", ""), account.clients as u64);
    line(EVICTED, ("", ""), account.evicted);
    line(IGNORED, ("", ""), account.ignored);
    line(TRACKED, ("state", "delivered"), figures.delivered);
    line(TRACKED, ("state", "deduplicated"), figures.deduplicated);
    line(TRACKED, ("state", "dropped"), figures.dropped.total());
    line(TRACKED, ("state", "pending"), figures.pending);
    for (reason, n_dropped) in figures.dropped.iter() {
        line(DROPPED, ("reason", reason.as_str()), n_dropped);
    }
}

/// A label's value: whatever senders call themselves.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use exposure_core::ErrorCode;
    use exposure_service::{AccountFigures, SenderAccount};
    use exposure_store::SenderRow;

    use super::*;

    #[test]
    fn counts_are_told_by_sender_outcome_and_reason() {
        let sender = |library: &str, rejected: &[(ErrorCode, u64)], account| Sender {
            sent: SenderRow {
                library: library.into(),
                accepted: 3,
                duplicates: 1,
                rejected: rejected.to_vec(),
                last_received: None,
            },
            account,
        };
        let account = SenderAccount {
            clients: 2,
            ignored: 4,
            figures: AccountFigures { delivered: 5, pending: 6, ..AccountFigures::default() },
            ..SenderAccount::default()
        };
        let figures = [SenderFigures {
            project: "default".to_owned(),
            senders: vec![
                sender("", &[], None),
                sender(
                    "a\"\\\n/1",
                    &[(ErrorCode::Missing, 2), (ErrorCode::TooLong, 5)],
                    Some(account),
                ),
            ],
        }];
        let expected = r#"# TYPE exposure_sender_events_total counter
exposure_sender_events_total{project="default",library="",outcome="accepted"} 3
exposure_sender_events_total{project="default",library="",outcome="duplicate"} 1
exposure_sender_events_total{project="default",library="",outcome="rejected"} 0
exposure_sender_events_total{project="default",library="a\"\\\n/1",outcome="accepted"} 3
exposure_sender_events_total{project="default",library="a\"\\\n/1",outcome="duplicate"} 1
exposure_sender_events_total{project="default",library="a\"\\\n/1",outcome="rejected"} 7
# TYPE exposure_sender_events_rejected_total counter
exposure_sender_events_rejected_total{project="default",library="a\"\\\n/1",code="MISSING"} 2
exposure_sender_events_rejected_total{project="default",library="a\"\\\n/1",code="TOO_LONG"} 5
# TYPE exposure_sender_clients gauge
exposure_sender_clients{project="default",library="a\"\\\n/1"} 2
# TYPE exposure_sender_clients_evicted_total counter
exposure_sender_clients_evicted_total{project="default",library="a\"\\\n/1"} 0
# TYPE exposure_sender_accounts_ignored_total counter
exposure_sender_accounts_ignored_total{project="default",library="a\"\\\n/1"} 4
# TYPE exposure_sender_client_exposures gauge
exposure_sender_client_exposures{project="default",library="a\"\\\n/1",state="delivered"} 5
exposure_sender_client_exposures{project="default",library="a\"\\\n/1",state="deduplicated"} 0
exposure_sender_client_exposures{project="default",library="a\"\\\n/1",state="dropped"} 0
exposure_sender_client_exposures{project="default",library="a\"\\\n/1",state="pending"} 6
"#;
        assert_eq!(text(&figures), expected);
        assert_eq!(text(&[]), "");
    }
}
