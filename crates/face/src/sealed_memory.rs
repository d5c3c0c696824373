//! Memory for templates and faces: wiped before it is given back, kept out of core dumps and swap where the system allows.
//!
//! Each buffer is its own pages, so that locking one never depends on what else lies on the heap beside it. Where the system
//! refuses (a small `RLIMIT_MEMLOCK`, another operating system) the buffer still works and is still wiped, and
//! [`Protection`] says what was missed. A few small buffers are kept for the next use after they were wiped, because a
//! template is made for every face and five calls to the system cost more than making it known.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// What the system granted for a buffer. Wiping on drop is ours and always done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// The pages cannot be written to swap.
    pub locked: bool,
    /// The pages are left out of core dumps.
    pub undumpable: bool,
}

impl Protection {
    /// Nothing granted.
    pub const NONE: Self = Self { locked: false, undumpable: false };
    /// Everything granted.
    pub const FULL: Self = Self { locked: true, undumpable: true };

    /// What holds for two buffers together.
    pub fn and(self, other: Self) -> Self {
        Self { locked: self.locked && other.locked, undumpable: self.undumpable && other.undumpable }
    }
}

/// A value type whose all-zero bytes are its default: what sealed buffers hold.
pub(crate) trait Plain: Copy + zeroize::DefaultIsZeroes + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for i8 {}
#[cfg(target_arch = "x86_64")]
impl Plain for i16 {}
impl Plain for f32 {}

/// A buffer of fixed length in sealed memory.
pub(crate) struct Sealed<T: Plain> {
    start: NonNull<T>,
    length: usize,
    /// Length of the mapping; zero when the values are on the heap.
    mapped_bytes: usize,
    protection: Protection,
}

// SAFETY: a buffer owns its memory alone, and `T` is plain data.
unsafe impl<T: Plain> Send for Sealed<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Plain> Sync for Sealed<T> {}

impl<T: Plain> Sealed<T> {
    /// A buffer of `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        let pages = length.checked_mul(size_of::<T>()).filter(|bytes| *bytes > 0).and_then(spare::take);
        match pages {
            Some(Pages { start, bytes, protection }) => {
                Self { start: start.cast(), length, mapped_bytes: bytes, protection }
            }
            None => Self::on_heap(length),
        }
    }

    /// A copy of `values`; the caller wipes the original.
    pub(crate) fn copied(values: &[T]) -> Self {
        let mut sealed = Self::zeroed(values.len());
        sealed.copy_from_slice(values);
        sealed
    }

    /// What the system granted.
    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }

    /// The fallback: ordinary memory, wiped all the same.
    fn on_heap(length: usize) -> Self {
        let values = Box::leak(vec![T::default(); length].into_boxed_slice());
        Self { start: NonNull::from(values).cast(), length, mapped_bytes: 0, protection: Protection::NONE }
    }
}

impl<T: Plain> Deref for Sealed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `start` points to `length` values that are initialised (zeros are values) and owned by this buffer.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T: Plain> DerefMut for Sealed<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the buffer is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl<T: Plain> Drop for Sealed<T> {
    fn drop(&mut self) {
        // As `zeroize` does it, but many bytes at a time.
        self.deref_mut().fill(T::default());
        zeroize::optimization_barrier(&**self);
        if self.mapped_bytes > 0 {
            let (start, bytes) = (self.start.cast(), self.mapped_bytes);
            spare::give_back(Pages { start, bytes, protection: self.protection });
        } else {
            let values = NonNull::slice_from_raw_parts(self.start, self.length);
            // SAFETY: this is the box that `on_heap` leaked, and nothing uses it after.
            drop(unsafe { Box::from_raw(values.as_ptr()) });
        }
    }
}

/// Pages that hold one buffer.
struct Pages {
    start: NonNull<u8>,
    bytes: usize,
    protection: Protection,
}

// SAFETY: pages are owned by whoever has this, and it has nothing that belongs to a thread.
unsafe impl Send for Pages {}

/// Small buffers that were wiped and given back, for the next ones of their size.
mod spare {
    use std::sync::{Mutex, PoisonError};

    use super::{Pages, system};

    /// Sizes that are kept: a template, the codes of one pass of probes, wider ones of both, and chips of 112 and of 150 pixels.
    const SIZES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 40 << 10, 68 << 10];

    /// Buffers of each size that are kept at most: all of them together are 880 KB of locked memory.
    const KEPT_MAX: [usize; SIZES.len()] = [16, 16, 16, 4, 4];

    static SPARE: [Mutex<Vec<Pages>>; SIZES.len()] = [const { Mutex::new(Vec::new()) }; SIZES.len()];

    /// At least `bytes` zeroed bytes on pages of their own.
    pub(super) fn take(bytes: usize) -> Option<Pages> {
        let Some(size) = SIZES.iter().position(|size| bytes <= *size) else { return system::map(bytes) };
        let kept = SPARE[size].lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.or_else(|| system::map(SIZES[size]))
    }

    /// Takes pages back that the owner has wiped.
    pub(super) fn give_back(pages: Pages) {
        if let Some(size) = SIZES.iter().position(|size| pages.bytes == *size) {
            let mut spare = SPARE[size].lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() < KEPT_MAX[size] {
                return spare.push(pages);
            }
        }
        system::unmap(&pages);
    }
}

/// Pages of our own from the system.
#[cfg(unix)]
mod system {
    use std::ptr::{self, NonNull};

    use super::{Pages, Protection};

    /// From this size on larger pages are asked for: a scan of them spends less time on finding where pages lie.
    #[cfg(target_os = "linux")]
    const HUGE_BYTES: usize = 4 << 20;

    /// At least `bytes` zeroed bytes on pages of their own.
    pub(super) fn map(bytes: usize) -> Option<Pages> {
        // SAFETY: an anonymous private mapping at an address of the system's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_BYTES {
            // SAFETY: the range was mapped just now; the advice changes no content, and a kernel without huge pages refuses it.
            unsafe { libc::madvise(start, bytes, libc::MADV_HUGEPAGE) };
        }
        // SAFETY: the range was mapped just now, for us alone.
        let locked = unsafe { libc::mlock(start, bytes) } == 0;
        #[cfg(target_os = "linux")]
        // SAFETY: as above; the advice changes no content.
        let undumpable = unsafe {
            // A process that this one starts by a fork has zeros there; kernels before 4.14 cannot do it.
            libc::madvise(start, bytes, libc::MADV_WIPEONFORK);
            libc::madvise(start, bytes, libc::MADV_DONTDUMP) == 0
        };
        #[cfg(not(target_os = "linux"))]
        let undumpable = false;
        Some(Pages { start: NonNull::new(start.cast())?, bytes, protection: Protection { locked, undumpable } })
    }

    /// Gives the pages back; locks on them end with them.
    pub(super) fn unmap(pages: &Pages) {
        // SAFETY: the range comes from `map`, and its owner is being dropped. A failure leaves wiped pages mapped.
        unsafe { libc::munmap(pages.start.as_ptr().cast(), pages.bytes) };
    }
}

/// Elsewhere there is only the heap.
#[cfg(not(unix))]
mod system {
    use super::Pages;

    pub(super) fn map(_bytes: usize) -> Option<Pages> {
        None
    }

    pub(super) fn unmap(_pages: &Pages) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_copied_in() {
        let values: Vec<f32> = (0..5000).map(|value| value as f32).collect();
        let mut sealed = Sealed::copied(&values);
        assert_eq!(&*sealed, &values[..]);
        sealed[4999] = 7.0;
        assert_eq!(sealed[4999], 7.0);
    }

    #[test]
    fn an_empty_and_a_heap_buffer_work() {
        assert!(Sealed::<u8>::zeroed(0).is_empty());
        let heap = Sealed::<u8>::on_heap(100);
        assert_eq!(heap.protection(), Protection::NONE);
        assert_eq!(&*heap, &[0; 100]);
    }

    #[test]
    fn a_buffer_begins_with_zeros_whatever_its_pages_held_before() {
        for length in [1, 1000, 4096, 4097, 16_384, 16_385, 3 * 112 * 112, 3 * 150 * 150, 100_000] {
            for _ in 0..40 {
                let mut sealed = Sealed::<u8>::zeroed(length);
                assert!(sealed.iter().all(|value| *value == 0), "{length} bytes");
                sealed.fill(0xA5);
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_reports_the_pages_as_undumpable() {
        let sealed = Sealed::<f32>::copied(&[1.0; 2048]);
        assert!(sealed.protection().undumpable, "Linux grants MADV_DONTDUMP to everybody");
        let address = sealed.start.as_ptr() as usize;
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux has smaps");
        let mut inside = false;
        let flags = maps.lines().find_map(|line| {
            if let Some((from, to)) = line.split_once(' ').and_then(|(range, _)| range.split_once('-')) {
                let bound = |text| usize::from_str_radix(text, 16);
                if let (Ok(from), Ok(to)) = (bound(from), bound(to)) {
                    inside = (from..to).contains(&address);
                }
            }
            (inside && line.starts_with("VmFlags:")).then(|| line.to_owned())
        });
        let flags = flags.expect("the buffer's mapping is listed");
        assert!(flags.split(' ').any(|flag| flag == "dd"), "{flags}");
        assert!(flags.split(' ').any(|flag| flag == "wf"), "{flags}");
        assert_eq!(sealed.protection().locked, flags.split(' ').any(|flag| flag == "lo"), "{flags}");
    }
}
