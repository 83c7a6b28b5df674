//! The reader of JSON beside `serde_json`: it accepts the same, and delimits the same.

use exposure_core::json::{Malformed, Reader, Span};
use proptest::prelude::*;
use serde::de::{Deserialize, IgnoredAny};
use serde_json::value::RawValue;

/// What stands alone, in part or whole, where JSON has it.
const PARTS: [&str; 46] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n\t\r ",
    "\u{b}",
    "\u{a0}",
    "\0",
    "\u{1f}",
    "0",
    "-",
    "1",
    "9",
    ".",
    "e",
    "E",
    "+",
    "00",
    "-0",
    "1e9",
    "-1.5E-7",
    "12345678901234567890",
    "true",
    "false",
    "null",
    "nul",
    "tru",
    "\"a\"",
    "\"é💡\"",
    "\"\\n\"",
    "\"\\u00e9\"",
    "\"\\ud83d\"",
    "\"\\u12g4\"",
    "\"\\x\"",
    "\"\u{7f}\"",
    "\"k\":1",
    "{}",
    "[]",
    "{\"a\":[1,{}]}",
    "/",
    "'",
];

/// JSON of any form, not always of the same spacing.
fn json() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec!["", "", "", " ", "\n", "\t\r "]);
    let long =
        "[a-z \"\\\\\u{1f}é]{0,150}".prop_map(|text| serde_json::Value::from(text).to_string());
    let leaf = prop_oneof![
        prop::sample::select(PARTS.to_vec()).prop_map(str::to_owned),
        any::<f64>().prop_map(|number| serde_json::Value::from(number).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        long,
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let name = prop::sample::select(vec!["\"a\"", "\"\"", "\"flag_key\"", "\"\\u0061\"", "a"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..6), space.clone()).prop_map(
                |(items, space)| format!("[{space}{}]", items.join(&format!("{space},")))
            ),
            (prop::collection::vec((name, inner), 0..6), space.clone()).prop_map(
                |(members, space)| {
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(name, value)| format!("{name}{space}:{space}{value}"))
                        .collect();
                    format!(
                        "{space}{{{}{space}}}{space}",
                        members.join(&format!("{space},{space}"))
                    )
                }
            ),
        ]
    })
}

fn delimited(bytes: &[u8]) -> Result<Span, Malformed> {
    let mut reader = Reader::new(bytes);
    let span = reader.value()?;
    reader.end()?;
    Ok(span)
}

/// The items of an array, by the reader and by `serde_json`.
fn check_items(text: &str) {
    let mut found = Vec::new();
    let mut reader = Reader::new(text.as_bytes());
    let read = reader.array(|reader| {
        found.push(reader.value()?.of_text(text));
        Ok(())
    });
    let read = read.and_then(|()| reader.end());
    let expected = serde_json::from_str::<Vec<&RawValue>>(text);
    assert_eq!(read.is_ok(), expected.is_ok(), "{text}");
    if let Ok(expected) = expected {
        assert!(found.into_iter().eq(expected.into_iter().map(RawValue::get)), "{text}");
    }
}

fn check(text: &str) {
    let expected = serde_json::from_str::<&RawValue>(text);
    let found = delimited(text.as_bytes());
    assert_eq!(found.is_ok(), expected.is_ok(), "{text:?}");
    if let (Ok(found), Ok(expected)) = (found, expected) {
        assert_eq!(found.of_text(text), expected.get());
        assert_eq!(found.depth, depth(text), "{text}");
        let is_string = expected.get().starts_with('"');
        assert_eq!(found.is_escaped, is_string && text.contains('\\'), "{text}");
    }
    check_items(text);
}

/// How deep brackets nest outside of strings, of JSON.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_is_json_is_delimited_alike(text in json()) {
        check(&text);
    }

    #[test]
    fn what_may_be_json_is_told_alike(parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..9)) {
        check(&parts.concat());
    }

    #[test]
    fn damage_is_told_alike(text in json(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = text.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len() * 2) + 1);
        }
        let mut parser = serde_json::Deserializer::from_slice(&bytes);
        let expected = IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end());
        prop_assert_eq!(delimited(&bytes).is_ok(), expected.is_ok(), "{:?}", bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            check(text);
        }
    }

    #[test]
    fn any_bytes_are_told_alike(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'{')], 0..80)) {
        let mut parser = serde_json::Deserializer::from_slice(&bytes);
        let expected = IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end());
        prop_assert_eq!(delimited(&bytes).is_ok(), expected.is_ok(), "{:?}", bytes);
    }
}

/// Objects and arrays in turn, around every multiple of 64.
#[test]
fn depth_takes_no_stack() {
    for n in [1, 2, 63, 64, 65, 66, 127, 128, 129, 130, 200, 10_000] {
        let opened: String = (0..n).map(|at| if at % 3 == 0 { "[" } else { "{\"a\":" }).collect();
        let closed: String = (0..n).rev().map(|at| if at % 3 == 0 { "]" } else { "}" }).collect();
        let text = format!("{opened}1{closed}");
        let found = delimited(text.as_bytes());
        assert_eq!(found.map(|span| (span.end, span.depth)), Ok((text.len(), n)));
        for wrong in [
            format!("{opened}1{}", &closed[1..]),
            format!("{opened}1{closed}]"),
            format!("{opened}1{}", closed.replacen(']', "}", 1)),
            format!("{opened}1{}]", &closed[..closed.len() - 1]),
        ] {
            let is_right = wrong == text;
            assert_eq!(delimited(wrong.as_bytes()).is_ok(), is_right, "{n}");
        }
    }
}
