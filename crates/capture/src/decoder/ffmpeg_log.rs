//! What FFmpeg only says in its log: packets that the network lost. Nothing of it is printed.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_next::ffi;

static LOST: AtomicU64 = AtomicU64::new(0);

/// Longest line that is looked at, bytes.
const LINE_BYTES_MAX: usize = 256;
/// How libavformat's RTP reader says it, since its version 54.
const MISSED: &str = "RTP: missed ";

/// Packets lost so far.
pub(super) fn packets_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Listens to FFmpeg's warnings, where the type of variable arguments is known; elsewhere losses are not counted.
pub(super) fn listen() {
    // SAFETY: sets a number; the function has the type that is asked for, and lives as long as the process.
    unsafe {
        ffi::av_log_set_level(ffi::AV_LOG_WARNING);
        #[cfg(target_arch = "x86_64")]
        ffi::av_log_set_callback(Some(hear));
    }
    #[cfg(not(target_arch = "x86_64"))]
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" fn hear(
    source: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: *mut ffi::__va_list_tag,
) {
    if level > ffi::AV_LOG_WARNING {
        return;
    }
    let mut line = [0 as c_char; LINE_BYTES_MAX];
    let mut prefix: c_int = 0;
    // SAFETY: FFmpeg calls this with a format and the arguments it belongs to; the line has the length that is told, and
    // is ended with zero by the call.
    let line = unsafe {
        let length = LINE_BYTES_MAX as c_int;
        ffi::av_log_format_line(source, level, format, arguments, line.as_mut_ptr(), length, &raw mut prefix);
        CStr::from_ptr(line.as_ptr())
    };
    LOST.fetch_add(lost_in(&line.to_string_lossy()), Ordering::Relaxed);
}

/// Packets that a line of the log says were lost.
fn lost_in(line: &str) -> u64 {
    let number = line.split_once(MISSED).and_then(|(_, rest)| rest.split_once(' ')).map(|(number, _)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_read_from_the_line() {
        assert_eq!(lost_in("[rtsp @ 0x55d] RTP: missed 17 packets\n"), 17);
        assert_eq!(lost_in("[rtsp @ 0x55d] max delay reached. need to consume packet\n"), 0);
        assert_eq!(lost_in("RTP: missed -1 packets\n"), 0);
    }
}
