use crate::{User, Variant, VariantSource};

/// A source that is a closure.
///
/// ```
/// use exposure_client::{User, Variant, VariantSource, source_fn};
///
/// let source = source_fn(|_user: &User, flag_key: &str| {
///     (flag_key == "checkout").then(|| Variant::new("on"))
/// });
/// assert_eq!(source.variant(&User::new("u"), "checkout"), Some(Variant::new("on")));
/// assert_eq!(source.variant(&User::new("u"), "search"), None);
/// ```
pub fn source_fn<F>(choose: F) -> impl VariantSource
where
    F: Fn(&User, &str) -> Option<Variant> + Send + Sync + 'static,
{
    Closure(choose)
}

struct Closure<F>(F);

impl<F> VariantSource for Closure<F>
where
    F: Fn(&User, &str) -> Option<Variant> + Send + Sync + 'static,
{
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        (self.0)(user, flag_key)
    }
}
