use std::fmt::{self, Write as _};

use exposure_service::{Handle, SenderFigures};

/// What each sender library sent, as Prometheus reads it.
///
/// It is read from the store's own counts, so that it is exact, and goes on after a restart.
pub(crate) async fn senders(handle: &Handle) -> String {
    match handle.sender_figures().await {
        Ok(figures) => text(&figures),
        Err(error) => {
            tracing::warn!(%error, "the counts of senders could not be read for the metrics");
            String::new()
        }
    }
}

fn text(figures: &[SenderFigures]) -> String {
    let (mut events, mut rejected) = (String::new(), String::new());
    for SenderFigures { project, senders } in figures {
        for row in senders {
            let labels =
                format!("project=\"{}\",library=\"{}\"", Escaped(project), Escaped(&row.library));
            let n_rejected: u64 = row.rejected.iter().map(|(_, n_events)| n_events).sum();
            for (outcome, n_events) in [
                ("accepted", row.accepted),
                ("duplicate", row.duplicates),
                ("rejected", n_rejected),
            ] {
                line(&mut events, EVENTS, &labels, "outcome", outcome, n_events);
            }
            for (code, n_events) in &row.rejected {
                line(&mut rejected, REJECTED, &labels, "code", code.as_str(), *n_events);
            }
        }
    }
    let mut text = String::new();
    for (name, lines) in [(EVENTS, events), (REJECTED, rejected)] {
        if !lines.is_empty() {
            text.push_str("# TYPE ");
            text.push_str(name);
            text.push_str(" counter\n");
            text.push_str(&lines);
        }
    }
    text
}

const EVENTS: &str = "exposure_sender_events_total";
const REJECTED: &str = "exposure_sender_events_rejected_total";

fn line(text: &mut String, name: &str, labels: &str, label: &str, value: &str, n_events: u64) {
    // Writing to a string does not fail.
    let _written = writeln!(text, "{name}{{{labels},{label}=\"{value}\"}} {n_events}");
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
    use exposure_store::SenderRow;

    use super::*;

    #[test]
    fn counts_are_told_by_sender_outcome_and_reason() {
        let row = |library: &str, rejected: &[(ErrorCode, u64)]| SenderRow {
            library: library.into(),
            accepted: 3,
            duplicates: 1,
            rejected: rejected.to_vec(),
            last_received: None,
        };
        let figures = [SenderFigures {
            project: "default".to_owned(),
            senders: vec![
                row("", &[]),
                row("a\"\\\n/1", &[(ErrorCode::Missing, 2), (ErrorCode::TooLong, 5)]),
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
"#;
        assert_eq!(text(&figures), expected);
        assert_eq!(text(&[]), "");
    }
}
