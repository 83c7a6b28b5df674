use std::sync::Arc;

use crate::{User, Variant};

/// Says which variant of a flag a user gets.
///
/// It is asked on the caller's thread, at each evaluation, so it must answer from memory. It does
/// no tracking: the client around it does. `None` says that it does not know the flag; a user who
/// is not in the experiment gets the default variant ([`Variant::is_default`]).
///
/// ```
/// use exposure_client::{User, Variant, VariantSource};
///
/// /// Half of the users, by the first byte of their id.
/// struct Halves;
///
/// impl VariantSource for Halves {
///     fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
///         let byte = user.user_id()?.bytes().next()?;
///         (flag_key == "checkout").then(|| Variant::new(if byte % 2 == 0 { "on" } else { "control" }))
///     }
/// }
/// # assert!(Halves.variant(&User::new("u"), "checkout").is_some());
/// ```
pub trait VariantSource: Send + Sync + 'static {
    /// The variant of the flag for the user.
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant>;
}

impl<S: VariantSource + ?Sized> VariantSource for Arc<S> {
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        (**self).variant(user, flag_key)
    }
}

impl<S: VariantSource + ?Sized> VariantSource for Box<S> {
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        (**self).variant(user, flag_key)
    }
}
