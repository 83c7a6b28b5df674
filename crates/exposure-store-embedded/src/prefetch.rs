//! Asks the processor to load cache lines before they are read.
//!
//! A processor looks only some hundred instructions ahead. What is asked for earlier comes while
//! it works on something else, as long as no more lines are on their way than it has places for.

const LINE: usize = 64;

/// Asks for the lines that a value stands on, of which it has no more than two. Any address is fine.
pub(crate) fn value<T>(value: *const T) {
    line(value);
    if value.addr() % LINE + size_of::<T>() > LINE {
        line(value.cast::<u8>().wrapping_add(LINE));
    }
}

/// Asks for the line that something begins on. Any address is fine.
#[inline]
pub(crate) fn line<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    #[expect(
        unsafe_code,
        reason = "a prefetch reads nothing and can not fault, whatever the address"
    )]
    // SAFETY: the instruction is a hint without architectural effect.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
