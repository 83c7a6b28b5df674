use bumpalo::Bump;

/// Room for what of a request has to be copied: text that was escaped or encoded.
///
/// Events borrow from it and from the body, so both outlive them.
#[derive(Debug, Default)]
pub struct Arena(Bump);

impl Arena {
    /// An empty one; it allocates when something is copied.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(&self, text: &str) -> &str {
        self.0.alloc_str(text)
    }

    pub(crate) fn slice<T: Copy>(&self, items: &[T]) -> &[T] {
        self.0.alloc_slice_copy(items)
    }
}
