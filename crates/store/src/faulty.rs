//! A disk that goes wrong where a test wants it: every change of a file or of the database is counted, and one of them
//! fails, or happens and is said to have failed, or is the last thing this process does. Tests only.
//!
//! Files go through `directory`; the database goes through SQLite's own interface to files (its "VFS"), of which the
//! functions that change something are replaced. What is not counted is shared memory, which no crash leaves behind.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::sync::Once;

use rusqlite::ffi;

/// How the chosen change goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It does not happen, and is said to have failed.
    Failed,
    /// It does not happen: the disk is full.
    Full,
    /// It happens, and is said to have failed.
    FailedButPersisted,
    /// The process is killed before it.
    KilledBefore,
    /// Of a write, the first half happens; then the process is killed.
    KilledHalfway,
    /// The process is killed after it.
    KilledAfter,
}

thread_local! {
    /// Changes until the chosen one, and how that one goes wrong.
    static CHOSEN: Cell<Option<(u64, Way)>> = const { Cell::new(None) };
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

/// Does something while change number `number` of this thread, from 0, goes wrong.
pub(crate) fn with_fault<T>(number: u64, way: Way, does: impl FnOnce() -> T) -> T {
    CHOSEN.set(Some((number, way)));
    let result = does();
    CHOSEN.set(None);
    result
}

/// Does something and says how many changes it made.
pub(crate) fn counted<T>(does: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNTED.get();
    let result = does();
    (result, COUNTED.get() - before)
}

/// The way this change goes wrong, if it is the chosen one.
fn due() -> Option<Way> {
    COUNTED.set(COUNTED.get() + 1);
    match CHOSEN.get()? {
        (0, way) => {
            CHOSEN.set(None);
            Some(way)
        }
        (left, way) => {
            CHOSEN.set(Some((left - 1, way)));
            None
        }
    }
}

/// Makes a change of a file, unless it is the one that goes wrong.
pub(crate) fn act<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match due() {
        None => change(),
        Some(Way::Failed) => Err(io::Error::from_raw_os_error(libc::EIO)),
        Some(Way::Full) => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
        Some(Way::FailedButPersisted) => {
            change()?;
            Err(io::Error::from_raw_os_error(libc::EIO))
        }
        Some(Way::KilledBefore | Way::KilledHalfway) => killed(),
        Some(Way::KilledAfter) => {
            let _ = change();
            killed()
        }
    }
}

/// Ends this process as nothing can prevent.
fn killed() -> ! {
    // SAFETY: a process may send itself any signal.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    unreachable!("SIGKILL cannot be survived")
}

/// Makes a change of the database, unless it is the one that goes wrong.
fn change(failure: c_int, half: impl FnOnce(), change: impl FnOnce() -> c_int) -> c_int {
    match due() {
        None => change(),
        Some(Way::Failed) => failure,
        Some(Way::Full) => ffi::SQLITE_FULL,
        Some(Way::FailedButPersisted) => {
            change();
            failure
        }
        Some(Way::KilledBefore) => killed(),
        Some(Way::KilledHalfway) => {
            half();
            killed()
        }
        Some(Way::KilledAfter) => {
            change();
            killed()
        }
    }
}

/// SQLite's functions on an open file, ours in place of some, and those that were there before.
#[repr(C)]
struct Methods {
    ours: ffi::sqlite3_io_methods,
    before: *const ffi::sqlite3_io_methods,
}

/// From now on this process opens databases through the faulty interface. Without a chosen fault it only counts.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default interface exists for ever and is copied; the copy and its name are leaked, as SQLite asks.
        unsafe {
            let mut vfs = *ffi::sqlite3_vfs_find(std::ptr::null());
            vfs.zName = c"faulty".as_ptr();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1), ffi::SQLITE_OK);
        }
    });
}

/// The interface under ours.
fn under() -> *mut ffi::sqlite3_vfs {
    // SAFETY: the name is a C string; the interface is compiled in.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's own arguments are passed on; afterwards the file's functions, if it has any, are replaced by a
    // leaked copy, which begins with what SQLite expects there.
    unsafe {
        let under = under();
        let opened = (*under).xOpen.map_or(ffi::SQLITE_ERROR, |open| open(under, name, file, flags, flags_out));
        let before = (*file).pMethods;
        if !before.is_null() {
            let mut ours = *before;
            ours.xWrite = Some(write);
            ours.xTruncate = Some(truncate);
            ours.xSync = Some(sync);
            (*file).pMethods = &raw const Box::leak(Box::new(Methods { ours, before })).ours;
        }
        opened
    }
}

/// The functions that the file had before.
///
/// # Safety
/// The file must have been opened by [`open`].
unsafe fn before(file: *mut ffi::sqlite3_file) -> ffi::sqlite3_io_methods {
    // SAFETY: `open` put the beginning of a leaked `Methods` there.
    unsafe { *(*(*file).pMethods.cast::<Methods>()).before }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: the arguments are SQLite's own, or fewer of the same bytes.
    let write =
        |length| unsafe { before(file).xWrite.map_or(ffi::SQLITE_ERROR, |write| write(file, bytes, length, at)) };
    change(ffi::SQLITE_IOERR_WRITE, || _ = write(length / 2), || write(length))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    let truncate = || unsafe { before(file).xTruncate.map_or(ffi::SQLITE_ERROR, |truncate| truncate(file, size)) };
    change(ffi::SQLITE_IOERR_TRUNCATE, || (), truncate)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    let sync = || unsafe { before(file).xSync.map_or(ffi::SQLITE_ERROR, |sync| sync(file, flags)) };
    change(ffi::SQLITE_IOERR_FSYNC, || (), sync)
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let under = under();
    // SAFETY: the arguments are SQLite's own.
    let delete = || unsafe { (*under).xDelete.map_or(ffi::SQLITE_ERROR, |delete| delete(under, name, sync_folder)) };
    change(ffi::SQLITE_IOERR_DELETE, || (), delete)
}
