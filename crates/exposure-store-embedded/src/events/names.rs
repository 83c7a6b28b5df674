//! Texts that stand for numbers in files.

use exposure_core::{Kind, Note, Notes};

/// The stored form of notes: their names, with commas between; `None` where there are none.
pub(super) fn notes_text(notes: Notes) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "",
        "clock_clamped",
        "time_missing",
        "clock_clamped,time_missing",
        "time_suspect",
        "clock_clamped,time_suspect",
        "time_missing,time_suspect",
        "clock_clamped,time_missing,time_suspect",
        "ignored_properties",
        "clock_clamped,ignored_properties",
        "time_missing,ignored_properties",
        "clock_clamped,time_missing,ignored_properties",
        "time_suspect,ignored_properties",
        "clock_clamped,time_suspect,ignored_properties",
        "time_missing,time_suspect,ignored_properties",
        "clock_clamped,time_missing,time_suspect,ignored_properties",
    ];
    NAMES.get(usize::from(notes.bits())).copied().filter(|text| !text.is_empty())
}

pub(super) fn parse_notes(text: &str) -> Notes {
    let mut notes = Notes::default();
    for name in text.split(',') {
        if let Some(note) = Note::ALL.into_iter().find(|note| note.as_str() == name) {
            notes.insert(note);
        }
    }
    notes
}

pub(super) fn parse_kind(text: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_named_by_their_bits() {
        for bits in 0..16 {
            let notes = Notes::from_bits(bits);
            let names: Vec<&str> = notes.iter().map(Note::as_str).collect();
            assert_eq!(notes_text(notes).unwrap_or(""), names.join(","));
            assert_eq!(parse_notes(notes_text(notes).unwrap_or("")), notes);
        }
    }

    #[test]
    fn kinds_come_back() {
        for kind in Kind::ALL {
            assert_eq!(parse_kind(kind.as_str()), kind);
        }
    }
}
