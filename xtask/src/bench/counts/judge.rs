//! Whether counts stand.

use super::callgrind::Count;
use super::record::Record;

/// What is said of one part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Within the bound.
    Held,
    /// So much lower that the record does not guard it any more.
    Fell(String),
    /// Higher than may be, or without its counterpart.
    Failed(String),
}

/// Per cent that a count may rise.
const RISE: f64 = 5.0;

/// Judges every part that is counted or recorded.
pub(super) fn judge(counts: &[Count], record: &Record) -> Vec<Judgement> {
    let of_counted = counts.iter().map(|count| {
        let name = &count.name;
        let Some(recorded) = record.counts.get(name) else {
            return Judgement::Failed(format!("{name} is not recorded"));
        };
        let change = (count.instructions as f64 / (*recorded).max(1) as f64 - 1.0) * 100.0;
        if change >= RISE {
            Judgement::Failed(format!("{name} rose by {change:.1} %"))
        } else if change <= -RISE {
            Judgement::Fell(format!("{name} fell by {:.1} %", -change))
        } else {
            Judgement::Held
        }
    });
    let gone = record.counts.keys().filter(|name| !counts.iter().any(|count| count.name == **name));
    of_counted
        .chain(gone.map(|name| Judgement::Failed(format!("{name} is recorded and no part"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::setting::Setting;
    use super::*;

    fn counts(instructions: u64) -> Vec<Count> {
        vec![Count { name: "decode".to_owned(), n_events: 1, instructions }]
    }

    #[test]
    fn a_rise_of_five_per_cent_fails() {
        let record = Record::new(Setting::read(), &counts(1000));
        for (instructions, expected) in [
            (1000, Judgement::Held),
            (1049, Judgement::Held),
            (951, Judgement::Held),
            (1050, Judgement::Failed("decode rose by 5.0 %".to_owned())),
            (900, Judgement::Fell("decode fell by 10.0 %".to_owned())),
        ] {
            assert_eq!(judge(&counts(instructions), &record), [expected], "{instructions}");
        }
    }

    #[test]
    fn every_part_has_its_counterpart() {
        let record = Record::new(Setting::read(), &counts(1000));
        assert_eq!(
            judge(&[], &record),
            [Judgement::Failed("decode is recorded and no part".to_owned())]
        );
        let none = Record::new(Setting::read(), &[]);
        assert_eq!(
            judge(&counts(1), &none),
            [Judgement::Failed("decode is not recorded".to_owned())]
        );
    }
}
