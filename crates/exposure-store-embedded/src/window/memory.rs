//! Zeroed memory for slots, on huge pages where the system offers them.
#![expect(
    unsafe_code,
    reason = "a table of 100 MB on 4 KiB pages misses the TLB on every probe; std offers no madvise"
)]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::slot::Slot;

/// A fixed number of slots, all empty at first, in their own mapping.
pub(super) struct Slots {
    base: NonNull<Slot>,
    len: usize,
}

#[cfg(test)]
thread_local! {
    /// Mappings that this thread has made.
    pub(super) static N_MAPPED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Tables below this many bytes gain nothing from huge pages and would waste most of one.
const HUGE_FROM: usize = 4 << 20;

impl Slots {
    /// Maps room for `len` slots, at least one. The pages are taken as they are first written.
    ///
    /// Ends the process if the system has no address space left, as every allocation does.
    pub(super) fn new(len: usize) -> Self {
        #[cfg(test)]
        N_MAPPED.set(N_MAPPED.get() + 1);
        let len = len.max(1);
        let bytes = len * Slot::BYTES;
        // SAFETY: an anonymous private mapping at an address of the system's choice touches no other memory.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        let base = if base == libc::MAP_FAILED { None } else { NonNull::new(base.cast::<Slot>()) };
        let Some(base) = base else {
            let layout =
                std::alloc::Layout::array::<Slot>(len).unwrap_or(std::alloc::Layout::new::<Slot>());
            std::alloc::handle_alloc_error(layout)
        };
        if HUGE_FROM <= bytes {
            // SAFETY: the range is the mapping made above. A refusal only costs speed, so the result is of no use.
            unsafe { libc::madvise(base.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        }
        Self { base, len }
    }

    /// Empties all slots, and so takes their pages ahead of use.
    pub(super) fn clear(&mut self) {
        // SAFETY: all zero bytes are a valid slot, and `&mut self` makes this the only access.
        unsafe { std::ptr::write_bytes(self.base.as_ptr(), 0, self.len) };
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.len * Slot::BYTES) as u64
    }
}

impl Deref for Slots {
    type Target = [Slot];

    fn deref(&self) -> &[Slot] {
        // SAFETY: the mapping holds `len` slots, zeroed or written through `deref_mut`; any bytes are a valid slot.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl DerefMut for Slots {
    fn deref_mut(&mut self) -> &mut [Slot] {
        // SAFETY: as above, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no reference outlives `self`.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len * Slot::BYTES) };
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("len", &self.len).finish_non_exhaustive()
    }
}

// SAFETY: the mapping is owned, and its slots are plain integers.
unsafe impl Send for Slots {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Slots {}
