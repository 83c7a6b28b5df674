//! Keyed hashes: of profiles, and of insert ids in the window.
//!
//! A hash of 128 bits under a secret of the data directory stands for an id wherever the id
//! itself is not shown: a sender can not aim at a collision, and two ids of a million million
//! collide with a likelihood of less than 10^-14.

use exposure_core::RawId;
use exposure_store::ProjectId;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// The bytes of a secret.
pub(crate) const SECRET_BYTES: usize = 192;

/// The secret that the hashes of one data directory are keyed with.
#[derive(Clone)]
pub(crate) struct Secret([u8; SECRET_BYTES]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Names a profile: a raw id of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProfileKey(pub u128);

impl Secret {
    pub(crate) const fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// The key of a raw id.
    pub(crate) fn profile(&self, project: ProjectId, id: RawId<'_>) -> ProfileKey {
        self.profile_of(project, id.is_user(), id.as_str().as_bytes())
    }

    /// The key of a user's or a device's id by its bytes.
    pub(crate) fn profile_of(&self, project: ProjectId, is_user: bool, id: &[u8]) -> ProfileKey {
        let scope = (u64::from(project.0) << 1) | u64::from(is_user);
        ProfileKey(mix(xxh3_128_with_secret(id, &self.0), scope))
    }

    /// The key of an insert id in the window, scoped to its owner's profile.
    pub(crate) fn insert_id(&self, owner: ProfileKey, insert_id: &str) -> u128 {
        let hash = xxh3_128_with_secret(insert_id.as_bytes(), &self.0);
        mix(hash ^ owner.0.rotate_left(64), (owner.0 >> 64) as u64)
    }
}

/// Spreads a scope over a hash.
fn mix(hash: u128, scope: u64) -> u128 {
    let (low, high) = (hash as u64, (hash >> 64) as u64);
    let a = fold(low ^ scope, 0x9E37_79B9_7F4A_7C15);
    let b = fold(high ^ scope.rotate_left(29), 0xC2B2_AE3D_27D4_EB4F);
    (u128::from(b ^ low) << 64) | u128::from(a ^ high)
}

fn fold(value: u64, by: u64) -> u64 {
    let wide = u128::from(value) * u128::from(by);
    (wide as u64) ^ ((wide >> 64) as u64)
}
