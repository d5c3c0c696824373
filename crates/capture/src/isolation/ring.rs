//! The ring: memory that this process and one decoder's share, cut into places of one size, one picture in each.
//!
//! It is a file without a name that nobody can make longer or shorter once it is sealed. The decoder writes a picture
//! into a place it owns and says so; from then on the place is ours until it is wiped and given back. The decoder *can*
//! still write to it - shared memory has no other way - so what is read from it is never trusted twice.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::message::Order;
use super::socket::{Patience, Socket, check};
use crate::frame::wipe;

/// Bytes of a page: places begin at multiples.
const PAGE_BYTES: usize = 4096;

/// The ring on this side.
pub(crate) struct Ring {
    memory: Memory,
    slot_bytes: usize,
    taken: Vec<AtomicBool>,
    /// Most bytes of a place that a picture has used.
    used_bytes: AtomicUsize,
    unswappable: bool,
    /// Where a place that is free again is told.
    line: Arc<Socket>,
}

/// Memory shared with another process.
pub(crate) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping is this value's until it is dropped, and belongs to no thread.
unsafe impl Send for Memory {}
// SAFETY: `&Memory` gives out nothing but its address and length.
unsafe impl Sync for Memory {}

/// One place of the ring while it is ours. Dropping it wipes the picture and gives the place back.
pub(crate) struct Slot {
    ring: Arc<Ring>,
    index: usize,
    bytes: usize,
}

impl Ring {
    /// A sealed ring of `slots` places of at least `slot_bytes`, and the file to hand to the decoder.
    pub(crate) fn new(slots: usize, slot_bytes: usize, line: Arc<Socket>) -> io::Result<(Self, OwnedFd)> {
        let slot_bytes = slot_bytes.next_multiple_of(PAGE_BYTES);
        let bytes = slots.checked_mul(slot_bytes).ok_or_else(|| io::Error::other("a ring beyond counting"))?;
        let file = sealed_file(bytes)?;
        let memory = Memory::map(&file, bytes)?;
        let unswappable = memory.keep_out_of_swap();
        let taken = (0..slots).map(|_| AtomicBool::new(false)).collect();
        Ok((Self { memory, slot_bytes, taken, used_bytes: AtomicUsize::new(0), unswappable, line }, file))
    }

    pub(crate) fn slot_bytes(&self) -> usize {
        self.slot_bytes
    }

    /// Whether the system keeps its pages out of swap.
    pub(crate) fn is_unswappable(&self) -> bool {
        self.unswappable
    }

    /// Takes a place that the decoder says it has filled; the sentence says why it can not be.
    pub(crate) fn take(self: &Arc<Self>, index: u32, bytes: usize) -> Result<Slot, String> {
        let index = index as usize;
        let Some(taken) = self.taken.get(index) else {
            return Err(format!("place {index} of {}", self.taken.len()));
        };
        if bytes > self.slot_bytes {
            return Err(format!("a picture of {bytes} bytes in a place of {}", self.slot_bytes));
        }
        if taken.swap(true, Ordering::AcqRel) {
            return Err(format!("place {index}, which it does not own"));
        }
        self.used_bytes.fetch_max(bytes, Ordering::Relaxed);
        Ok(Slot { ring: Arc::clone(self), index, bytes })
    }
}

impl Slot {
    /// The picture, to be blanked where nobody may look.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`; the place is ours alone while this value lives, and it is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.bytes) }
    }

    /// The picture. Another process may still change it while it is read: it holds numbers, never lengths or places.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `take` proved that the place lies inside the mapping, which lives as long as the ring; no `&mut` to it
        // exists but in `drop` and `bytes_mut`. That another process may write meanwhile is said above: for bytes that are only ever
        // computed with, the worst is a wrong pixel.
        unsafe { std::slice::from_raw_parts(self.start(), self.bytes) }
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: inside the mapping, see `take`.
        unsafe { self.ring.memory.start.as_ptr().add(self.index * self.ring.slot_bytes) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: as in `bytes`; `self` is borrowed mutably, so nobody here reads it.
        wipe(unsafe { std::slice::from_raw_parts_mut(self.start(), self.bytes) });
        if let Some(taken) = self.ring.taken.get(self.index) {
            taken.store(false, Ordering::Release);
        }
        // A decoder that is gone needs no place; one that does not listen is found by its silence.
        let _ = self.ring.line.say(&Order::Free { slot: self.index as u32 }.encode(), Patience::Now);
    }
}

impl Drop for Ring {
    /// What the decoder still held is wiped too: its process is dead by now, or about to be.
    fn drop(&mut self) {
        let used = self.used_bytes.load(Ordering::Relaxed);
        for index in 0..self.taken.len() {
            // SAFETY: inside the mapping; no slot is left, because each holds the ring.
            let place = unsafe { self.memory.start.as_ptr().add(index * self.slot_bytes) };
            // SAFETY: the same.
            wipe(unsafe { std::slice::from_raw_parts_mut(place, used) });
        }
    }
}

impl Memory {
    pub(crate) fn map(file: &OwnedFd, bytes: usize) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the system's choice; the file is sealed, so it can not shrink below it.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // A crash of either process writes no pictures into a core file. Fails in no kernel that has the rest.
        // SAFETY: the mapping was just made with this length.
        unsafe { libc::madvise(start, bytes, libc::MADV_DONTDUMP) };
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("a mapping at zero"))?;
        Ok(Self { start, bytes })
    }

    /// Asks for its pages to stay in memory once they are used; whether that was granted.
    fn keep_out_of_swap(&self) -> bool {
        const ON_FAULT: libc::c_int = 1;
        // SAFETY: the mapping is ours and has this length.
        unsafe { libc::syscall(libc::SYS_mlock2, self.start.as_ptr(), self.bytes, ON_FAULT) == 0 }
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// A file without a name, of a length that nobody can change.
fn sealed_file(bytes: usize) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a string that ends with zero.
    let file = check(unsafe { libc::memfd_create(c"frames".as_ptr(), flags) }.into())? as i32;
    // SAFETY: just opened, and nobody else's.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    let length = bytes.try_into().map_err(|_| io::Error::other("a ring beyond counting"))?;
    // SAFETY: plain numbers, on a file that is ours.
    check(unsafe { libc::ftruncate(file.as_raw_fd(), length) }.into())?;
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: the same.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }.into())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::socket::Heard;

    fn ring() -> (Arc<Ring>, OwnedFd, Socket) {
        let (ours, theirs) = Socket::pair().expect("sockets");
        let (ring, file) = Ring::new(2, 5000, Arc::new(ours)).expect("a ring");
        (Arc::new(ring), file, theirs)
    }

    #[test]
    fn a_place_is_wiped_when_it_is_given_back_and_the_decoder_is_told() {
        let (ring, file, theirs) = ring();
        let other = Memory::map(&file, 2 * ring.slot_bytes()).expect("the decoder's view");
        // SAFETY: both views are mapped, and the test writes before anybody reads.
        let second = unsafe { std::slice::from_raw_parts_mut(other.start().add(ring.slot_bytes()), 5000) };
        second.fill(7);
        let slot = ring.take(1, 5000).expect("taken");
        assert!(slot.bytes().iter().all(|byte| *byte == 7) && slot.bytes().len() == 5000);
        drop(slot);
        assert!(second.iter().all(|byte| *byte == 0));
        let mut heard = [0; 64];
        let Ok(Heard::Message(length)) = theirs.hear(&mut heard, Patience::Now) else { panic!("a message") };
        assert!(matches!(Order::decode(&heard[..length]), Some(Order::Free { slot: 1 })));
    }

    #[test]
    fn places_that_can_not_be_are_refused() {
        let (ring, _file, _theirs) = ring();
        assert!(ring.take(2, 10).is_err(), "beyond the last");
        assert!(ring.take(u32::MAX, 10).is_err());
        assert!(ring.take(0, ring.slot_bytes() + 1).is_err(), "longer than a place");
        let held = ring.take(0, 10).expect("taken");
        assert!(ring.take(0, 10).is_err(), "not the decoder's any more");
        drop(held);
        assert!(ring.take(0, 10).is_ok());
    }

    #[test]
    fn nobody_can_change_the_length_of_a_ring() {
        let (_ring, file, _theirs) = ring();
        for length in [0, 1, 1 << 30] {
            // SAFETY: plain numbers.
            assert_eq!(unsafe { libc::ftruncate(file.as_raw_fd(), length) }, -1);
        }
    }
}
