//! What a decoder's process starts with: the two ends that its parent handed over, and nothing else.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::isolation::socket::Socket;

/// Files above the standard three and our own two, for FFmpeg's sockets.
const FILES_MAX: u64 = 24;

/// The parent's socket and ring, which came as standard input and output; `None` when this process was started by
/// somebody else. All other files are closed.
pub(super) fn take() -> Option<(Socket, OwnedFd)> {
    let socket = Socket::from_parent(duplicate(0)?).ok()?;
    let ring = duplicate(1)?;
    if !is_sealed(&ring) {
        return None;
    }
    let nothing = File::options().read(true).write(true).open("/dev/null").ok()?;
    for standard in 0..3 {
        // SAFETY: plain numbers; the standard files are not owned by any value.
        if unsafe { libc::dup2(nothing.as_raw_fd(), standard) } < 0 {
            return None;
        }
    }
    drop(nothing);
    let mut kept = [3, ring.as_raw_fd(), 0];
    let socket = socket.into_fd();
    kept[2] = socket.as_raw_fd();
    close_but(kept);
    Some((Socket::from_parent(socket).ok()?, ring))
}

fn duplicate(file: RawFd) -> Option<OwnedFd> {
    // SAFETY: plain numbers; the answer is a new file of ours.
    let copy = unsafe { libc::fcntl(file, libc::F_DUPFD_CLOEXEC, 3) };
    // SAFETY: just opened, and nobody else's.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Whether it is memory whose length nobody can change: else it could be cut off below the mapping.
fn is_sealed(ring: &OwnedFd) -> bool {
    // SAFETY: asks for a number.
    let seals = unsafe { libc::fcntl(ring.as_raw_fd(), libc::F_GET_SEALS) };
    let wanted = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    seals >= 0 && seals & wanted == wanted
}

/// Closes every file but the standard ones and `kept`: something the parent forgot to close is not ours to read.
fn close_but(kept: [RawFd; 3]) {
    let mut from = 3;
    let mut kept: Vec<RawFd> = kept.into_iter().filter(|file| *file > 2).collect();
    kept.sort_unstable();
    kept.dedup();
    let close = |from: RawFd, until: u32| {
        if i64::from(from) <= i64::from(until) {
            // SAFETY: plain numbers; files in this range are owned by no value here.
            unsafe { libc::syscall(libc::SYS_close_range, from as libc::c_uint, until as libc::c_uint, 0) };
        }
    };
    for file in kept {
        close(from, (file - 1) as u32);
        from = file + 1;
    }
    close(from, u32::MAX);
}

/// Nobody reads or traces this process, it leaves no core file, gains no rights, and dies with its parent.
pub(super) fn close_to_others() {
    // SAFETY: all take plain values and change this process alone.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        #[cfg(target_env = "gnu")]
        libc::mallopt(libc::M_PERTURB, 0xff);
    }
    limit(libc::RLIMIT_CORE, 0);
    limit(libc::RLIMIT_FSIZE, 0);
    limit(libc::RLIMIT_NOFILE, FILES_MAX);
}

/// Memory it may map.
pub(super) fn limit_address_space(bytes: u64) {
    limit(libc::RLIMIT_AS, bytes);
}

fn limit(what: libc::__rlimit_resource_t, most: u64) {
    let most = libc::rlimit { rlim_cur: most, rlim_max: most };
    // A limit that can not be set is one the parent watches too, or that the system calls left do not reach.
    // SAFETY: the structure is ours.
    unsafe { libc::setrlimit(what, &raw const most) };
}
