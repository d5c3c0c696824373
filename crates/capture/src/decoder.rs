//! The decoder's process: it shuts itself in, then reads what a camera or a recording holds, and shows pictures in the ring.
//!
//! Demuxers and decoders are C code and not memory-safe; whoever wrote the bytes may come to run here. What they find:
//! no file (Landlock), few system calls (seccomp), no other process of its user, one camera's pictures, and a parent that
//! believes nothing. It ends with the connection: a camera that is lost is a new process's business.

mod confine;
mod convert;
mod ends;
mod ffmpeg_log;
mod input;
mod line;
mod pictures;
mod place;
mod run;

use std::process::ExitCode;

use crate::isolation::message::Fault;

/// What the process ends with when nobody started it as a decoder.
const NOT_A_DECODER: u8 = 2;

/// Why the decoder can not go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) found: String,
}

impl Failure {
    pub(crate) fn new(fault: Fault, found: impl Into<String>) -> Self {
        Self { fault, found: found.into() }
    }
}

/// Turns this process into a decoder of the one that started it. A program that opens streams calls this, first of all,
/// when its only argument is [`DECODER_COMMAND`](crate::DECODER_COMMAND); called by anybody else it answers with an error.
/// It is done when the stream is.
pub fn serve() -> ExitCode {
    let Some((socket, ring)) = ends::take() else {
        return ExitCode::from(NOT_A_DECODER);
    };
    ends::close_to_others();
    match run::run(socket, ring) {
        Ok(()) => ExitCode::SUCCESS,
        Err(()) => ExitCode::FAILURE,
    }
}
