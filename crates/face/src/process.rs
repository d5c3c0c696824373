//! The process that handles faces: nobody else's to read, without a core file, and with every freed byte overwritten.
//!
//! What a template or a picture needs is done where it lies (`sealed_memory`). This is for what lies elsewhere: copies in
//! the buffers of decoders, encoders and engines, which are not ours to wipe one by one.

use std::alloc::{GlobalAlloc, Layout, System};

/// Bytes of templates that a large watchlist needs locked: 17,000 people, 512 values each, and as much again.
const LOCKED_BYTES_WANTED: u64 = 70 << 20;

/// What the system granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// No other process of the same user may read this one's memory, and none but root may trace it.
    pub unreadable: bool,
    /// A crash writes no core file.
    pub no_core: bool,
    /// Most bytes that may be kept out of swap; nothing where there is no limit.
    pub lockable_bytes: Option<u64>,
}

/// Closes this process to others. To be called before the first picture is read; there is no way back.
pub fn close_to_others() -> Closed {
    system::close()
}

/// Gives what was freed back to the system, which hands it out again as zeros: the allocator alone would keep it for later. To be
/// called when much was freed and little is to come, such as at the end of a run; it takes milliseconds.
pub fn give_back_freed_memory() {
    system::give_back_freed_memory();
}

impl Closed {
    /// What the system did not grant, as sentences that say what to do.
    pub fn shortcomings(&self) -> Vec<String> {
        let mut told = Vec::new();
        if !self.unreadable {
            told.push(
                "other programs of this user may read this one's memory: run it on Linux, as a user of its own"
                    .to_owned(),
            );
        }
        if !self.no_core {
            told.push("a crash may write a core file with faces in it: turn core files off (`ulimit -c 0`)".to_owned());
        }
        if let Some(bytes) = self.lockable_bytes.filter(|bytes| *bytes < LOCKED_BYTES_WANTED) {
            told.push(format!(
                "only {} KiB of memory may be kept out of swap, {} are wanted for a large watchlist: raise the limit \
                 (`ulimit -l`, or LimitMEMLOCK= of the service), or turn swap off",
                bytes >> 10,
                LOCKED_BYTES_WANTED >> 10
            ));
        }
        told
    }
}

/// The system's allocator, but every block is overwritten with zeros before it is given back.
pub struct WipingAllocator;

// SAFETY: every call is passed on to the system's allocator; a block is written to only between its allocation and its
// release, within its own length. `realloc` is the default one: a new block, a copy, and the old one released here.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's until it is given back, and has this many bytes.
        unsafe {
            block.write_bytes(0, layout.size());
            // Without this the compiler may leave the writing out: nobody reads it.
            zeroize::optimization_barrier(std::slice::from_raw_parts(block, layout.size()));
            System.dealloc(block, layout);
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::Closed;

    /// A block from this size on is asked of the system by itself, and given back when it is freed.
    #[cfg(target_env = "gnu")]
    const BLOCK_OF_ITS_OWN_BYTES: libc::c_int = 4 << 20;
    /// Most that a heap keeps free at its end.
    #[cfg(target_env = "gnu")]
    const FREE_BYTES_MAX: libc::c_int = 1 << 20;

    pub(super) fn close() -> Closed {
        overwrite_what_c_libraries_free();
        hold_little_that_is_free();
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: both calls take plain values and change this process alone.
        let (unreadable, no_core) = unsafe {
            (libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, libc::setrlimit(libc::RLIMIT_CORE, &none) == 0)
        };
        Closed { unreadable, no_core, lockable_bytes: lockable_bytes() }
    }

    /// Asks for as much as the hard limit allows, and says how much that is.
    fn lockable_bytes() -> Option<u64> {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the structure is ours, and of the kind that the calls expect.
        unsafe {
            if libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) != 0 {
                return Some(0);
            }
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit);
            libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit);
        }
        (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
    }

    /// glibc raises these two by itself, up to 32 and 64 MiB in each of its heaps, so that a process which runs one deployment after
    /// the other would hold more and more. Blocks of frames and of models go back as they are freed; smaller ones are used again.
    fn hold_little_that_is_free() {
        #[cfg(target_env = "gnu")]
        // SAFETY: options of the allocator; they may be set at any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, BLOCK_OF_ITS_OWN_BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_BYTES_MAX);
        }
    }

    pub(super) fn give_back_freed_memory() {
        #[cfg(target_env = "gnu")]
        // SAFETY: it touches nothing but blocks that are free; it may be called at any time, from any thread.
        unsafe {
            libc::malloc_trim(0);
        }
    }

    /// Engines and decoders written in C have their own blocks. glibc overwrites those of more than a kilobyte when they are
    /// freed, if asked; smaller ones it may keep as they are.
    fn overwrite_what_c_libraries_free() {
        #[cfg(target_env = "gnu")]
        // SAFETY: an option of the allocator; it may be set at any time.
        unsafe {
            libc::mallopt(libc::M_PERTURB, 0xff);
        }
    }
}

/// Elsewhere nothing is known to be granted.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::Closed;

    pub(super) fn close() -> Closed {
        Closed { unreadable: false, no_core: false, lockable_bytes: Some(0) }
    }

    pub(super) fn give_back_freed_memory() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_granted_is_said_with_what_to_do() {
        let all = Closed { unreadable: true, no_core: true, lockable_bytes: None };
        assert!(all.shortcomings().is_empty());
        let little = Closed { lockable_bytes: Some(64 << 10), ..all }.shortcomings();
        assert!(
            little.len() == 1 && little[0].contains("only 64 KiB") && little[0].contains("ulimit -l"),
            "{little:?}"
        );
        let nothing = Closed { unreadable: false, no_core: false, lockable_bytes: Some(0) };
        assert_eq!(nothing.shortcomings().len(), 3);
    }

    #[test]
    fn a_freed_block_is_overwritten() {
        let layout = Layout::from_size_align(4096, 16).expect("a layout");
        // SAFETY: the block is allocated and released with one layout. It is read after its release on purpose, and stays
        // mapped: glibc keeps a block of this size. Its first words are the allocator's own by then.
        unsafe {
            let keeps_it_mapped = WipingAllocator.alloc(layout);
            let block = WipingAllocator.alloc(layout);
            let guard = WipingAllocator.alloc(layout);
            block.write_bytes(0xab, layout.size());
            WipingAllocator.dealloc(block, layout);
            let left = (64..layout.size()).filter(|at| block.add(*at).read_volatile() == 0xab).count();
            assert_eq!(left, 0);
            WipingAllocator.dealloc(guard, layout);
            WipingAllocator.dealloc(keeps_it_mapped, layout);
        }
    }
}
