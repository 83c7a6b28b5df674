//! Bodies compressed in every way, told or not, whole or broken, and bombs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;

use exposure_formats::{InflateError, Inflater, inflate};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

const CODINGS: [&str; 5] = ["gzip", "deflate", "zlib", "zstd", "plain"];

fn compressed(coding: &str, text: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "zlib" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(text, 1).unwrap(),
        _ => text.to_vec(),
    }
}

/// What a sender would say of it.
fn told(coding: &str) -> &str {
    match coding {
        "zlib" => "deflate",
        "plain" => "",
        coding => coding,
    }
}

fn json() -> impl Strategy<Value = Vec<u8>> {
    ("[{\\[\" ]", any::<String>()).prop_map(|(first, rest)| format!("{first}{rest}").into_bytes())
}

proptest! {
    /// Whatever the parts in which it arrives.
    #[test]
    fn a_body_comes_out_as_it_went_in(
        text in json(),
        coding in prop::sample::select(&CODINGS[..]),
        part in 1_usize..64,
    ) {
        let mut inflater = Inflater::new(told(coding), text.len());
        for part in compressed(coding, &text).chunks(part) {
            inflater.push(part).unwrap();
        }
        prop_assert_eq!(inflater.finish().unwrap(), text);
    }

    /// Only what has no magic of its own hangs on what the header says.
    #[test]
    fn what_is_compressed_is_told_by_its_bytes(
        text in json(),
        coding in prop::sample::select(vec!["gzip", "zlib", "zstd", "plain"]),
        header in prop::sample::select(vec!["", "gzip", "deflate", "br", "zstd", "identity", "x, gzip"]),
    ) {
        prop_assert_eq!(inflate(&compressed(coding, &text), header, text.len()).unwrap(), text);
    }

    #[test]
    fn one_byte_over_is_too_large(text in json(), coding in prop::sample::select(&CODINGS[..])) {
        let max_bytes = text.len() - 1;
        let result = inflate(&compressed(coding, &text), told(coding), max_bytes);
        prop_assert_eq!(result, Err(InflateError::TooLarge { max_bytes }));
    }

    #[test]
    fn any_bytes_never_panic(bytes: Vec<u8>, header in prop::sample::select(vec!["", "gzip", "deflate", "br", "zstd"])) {
        drop(inflate(&bytes, header, 1 << 20));
    }

    #[test]
    fn a_gzip_that_breaks_off_is_an_error(text in json(), cut in 1_usize..18) {
        let whole = compressed("gzip", &text);
        let result = inflate(&whole[..whole.len() - cut.min(whole.len() - 4)], "gzip", 1 << 20);
        prop_assert!(matches!(result, Err(InflateError::Broken { coding: "gzip", .. })), "{:?}", result);
    }
}

#[test]
fn brotli_needs_its_header() {
    let json = br#"{"events": []}"#;
    // A stored block: what an encoder writes for so little.
    let body = [&[0x8B, 0x06, 0x80], json.as_slice(), &[0x03]].concat();
    assert_eq!(inflate(&body, "br", 100).unwrap(), json);
    assert_eq!(inflate(&body, "br", 3), Err(InflateError::TooLarge { max_bytes: 3 }));
    assert_eq!(inflate(&body, "", 100).unwrap(), body);
}

#[test]
fn a_bomb_costs_no_more_than_its_bound() {
    let zeros = vec![0; 64 << 20];
    for coding in ["gzip", "zlib", "zstd"] {
        let bomb = compressed(coding, &zeros);
        assert!(bomb.len() < 1 << 20, "{coding}");
        let mut inflater = Inflater::new("", 1 << 20);
        let fault = bomb.chunks(1024).find_map(|part| inflater.push(part).err());
        assert_eq!(fault, Some(InflateError::TooLarge { max_bytes: 1 << 20 }), "{coding}");
    }
}
