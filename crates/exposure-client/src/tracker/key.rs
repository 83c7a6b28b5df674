use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::Decision;
use crate::User;

/// Hashes what exposures are compared by, under a secret of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher {
    seed: u64,
}

/// (identity, flag, experiment_key) in 128 bits: two of a million being equal by chance is less
/// likely than 10^-26.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u128);

/// A variant, or that there is none, in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariantHash(pub(crate) u64);

/// One byte for each part.
const LENGTHS: usize = 4;
/// The hash takes no more than 240 bytes in one go.
const SHORT: usize = 240 - LENGTHS;

impl Hasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(crate) fn seed(self) -> u64 {
        self.seed
    }

    pub(crate) fn key(self, user: &User, flag_key: &str, experiment_key: Option<&str>) -> Key {
        let parts = [
            user.user_id(),
            user.device_id(),
            Some(flag_key),
            experiment_key.filter(|key| !key.is_empty()),
        ];
        let n_bytes: usize = parts.iter().flatten().map(|part| part.len()).sum();
        if n_bytes <= SHORT {
            return self.short(parts, n_bytes);
        }
        // Each part is hashed for itself, so that no text can reach over into its neighbor.
        let mut hashes = [0_u8; 64];
        for (place, part) in hashes.as_chunks_mut::<16>().0.iter_mut().zip(parts) {
            *place = part.map_or(0, |part| self.hash(part)).to_le_bytes();
        }
        Key(xxh3_128_with_seed(&hashes, self.seed))
    }

    pub(crate) fn variant(self, decision: Decision<'_>) -> VariantHash {
        match decision {
            Decision::Set(variant) => {
                VariantHash(xxh3_64_with_seed(variant.as_bytes(), self.seed) | 1)
            }
            Decision::Unset | Decision::Nothing => VariantHash(0),
        }
    }

    /// All in one go, behind their lengths: what nearly every exposure is.
    fn short(self, parts: [Option<&str>; 4], n_bytes: usize) -> Key {
        let mut text = [0_u8; LENGTHS + SHORT];
        let mut at = LENGTHS;
        for (index, part) in parts.into_iter().enumerate() {
            let Some(part) = part else { continue };
            // An absent one has no length, an empty one has one.
            text[index] = part.len() as u8 + 1;
            text[at..at + part.len()].copy_from_slice(part.as_bytes());
            at += part.len();
        }
        Key(xxh3_128_with_seed(&text[..LENGTHS + n_bytes], self.seed))
    }

    fn hash(self, part: &str) -> u128 {
        xxh3_128_with_seed(part.as_bytes(), self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_parts_differ_as_short_ones_do() {
        let hasher = Hasher::new(7);
        let keys: Vec<Key> = (0..600)
            .flat_map(|n_bytes| {
                let text = "x".repeat(n_bytes);
                [
                    hasher.key(&User::new(&*text), "f", None),
                    hasher.key(&User::new("u"), &text, None),
                ]
            })
            .collect();
        let distinct: std::collections::BTreeSet<Key> = keys.iter().copied().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn no_part_reaches_into_another() {
        let hasher = Hasher::new(7);
        let (ab, c) = (User::new("ab").with_device("c"), User::new("a").with_device("bc"));
        let keys = [
            hasher.key(&ab, "f", None),
            hasher.key(&c, "f", None),
            hasher.key(&User::new("ab"), "f", None),
            hasher.key(&User::anonymous("ab"), "f", None),
            hasher.key(&ab, "f", Some("e")),
            hasher.key(&ab, "e", Some("f")),
            hasher.key(&ab, "fe", None),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(key), "{index}");
        }
        assert_eq!(hasher.key(&ab, "f", Some("")), keys[0], "an empty experiment key is none");
    }

    #[test]
    fn an_unset_is_no_variant() {
        let hasher = Hasher::new(7);
        let unset = hasher.variant(Decision::Unset);
        for variant in ["", "-", "off", "\0"] {
            assert_ne!(hasher.variant(Decision::Set(variant)), unset);
        }
    }
}
