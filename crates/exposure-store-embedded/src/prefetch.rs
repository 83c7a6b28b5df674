//! Asks the processor to load cache lines before they are read.
//!
//! A processor looks only some hundred instructions ahead, so requests overlap when nothing else
//! stands between them: collect first where to read, then ask for all of it at once.

/// Cache lines that will be read soon.
#[derive(Debug)]
pub(crate) struct Ahead {
    lines: Vec<*const u8>,
}

impl Ahead {
    /// Room for so many lines.
    pub(crate) fn with_capacity(n_lines: usize) -> Self {
        Self { lines: Vec::with_capacity(n_lines) }
    }

    /// Adds the line that a value begins in; any address is fine.
    pub(crate) fn add<T>(&mut self, value: *const T) {
        self.lines.push(value.cast());
    }

    /// Adds the line that a value begins in, and the next one.
    pub(crate) fn add_two<T>(&mut self, value: *const T) {
        let first = value.cast::<u8>();
        self.lines.extend([first, first.wrapping_add(64)]);
    }

    /// Asks for all lines, and forgets them.
    pub(crate) fn ask(&mut self) {
        for line in self.lines.drain(..) {
            prefetch(line);
        }
    }
}

/// A hint that reads nothing, so any address is fine.
#[inline]
fn prefetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    #[expect(
        unsafe_code,
        reason = "a prefetch reads nothing and can not fault, whatever the address"
    )]
    // SAFETY: the instruction is a hint without architectural effect.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
