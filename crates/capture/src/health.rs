//! How a stream is doing, as numbers that screens and metrics show; a copy, taken at one moment.

use std::time::Duration;

use crate::stamp::Repairs;

/// How a stream is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// What it is doing.
    pub state: State,
    /// Codec as FFmpeg names it, once known.
    pub codec: Option<String>,
    /// Width and height of the last frame, pixels.
    pub size: Option<(u32, u32)>,
    /// Frames that arrived here in the last whole second, as frames a second.
    pub frames_per_second: f64,
    /// Bits of video that were received in the last whole second.
    pub bits_per_second: u64,
    /// Time since the last frame arrived.
    pub since_frame: Option<Duration>,
    /// Time since the last key frame arrived.
    pub since_key_frame: Option<Duration>,
    /// What happened to packets and frames so far.
    pub counts: StreamCounts,
    /// Frames that wait for the consumer.
    pub frames_waiting: u64,
    /// Frames that the consumer took and has not given back.
    pub frames_held: u64,
    /// Times that were put right.
    pub repairs: Repairs,
    /// What was skipped before decoding when this was taken.
    pub skip: Skip,
    /// What went wrong last, as a sentence without addresses' secrets.
    pub last_fault: Option<String>,
    /// The number the system knows the last decoder's process by.
    pub process: Option<u32>,
    /// What holds the decoder's process; nothing before the first one has started.
    pub confinement: Option<Confinement>,
}

/// What a stream is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Its process is starting, connecting, or waiting for a first picture.
    #[default]
    Connecting,
    /// Frames come.
    Streaming,
    /// It failed, and is tried again after a while.
    WaitingToRetry,
    /// The recording ran out, the permit lapsed, or it was stopped.
    Ended,
}

/// What happened to packets and frames since the stream was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Packets of video received.
    pub packets: u64,
    /// Bytes of video received.
    pub packet_bytes: u64,
    /// Packets that the network lost (RTP sequence numbers that never came).
    pub packets_lost: u64,
    /// Packets that came damaged or that the decoder refused.
    pub packets_damaged: u64,
    /// Frames that were not decoded because the consumer was behind.
    pub frames_skipped: u64,
    /// Frames decoded and thrown away by the decoder's process because every place of the ring was taken.
    pub frames_without_place: u64,
    /// Frames that arrived here.
    pub frames: u64,
    /// Frames that the consumer took.
    pub frames_delivered: u64,
    /// Frames dropped here because the consumer was behind, oldest first, or because the stream ended.
    pub frames_dropped: u64,
    /// Connections to the camera beyond the first.
    pub reconnects: u64,
    /// Connections that failed or ended.
    pub connections_lost: u64,
    /// Processes killed because no frame came for too long.
    pub stalls: u64,
    /// Processes that crashed.
    pub crashes: u64,
    /// Processes killed because they said what could not be.
    pub lies: u64,
    /// Processes killed because they used too much memory.
    pub overgrown: u64,
}

/// What is left out before decoding, so that a consumer can keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Everything is decoded.
    #[default]
    Nothing,
    /// Frames that no other frame needs are left out.
    NonReference,
    /// All but key frames are left out.
    NonKey,
}

/// What holds a decoder's process, as it said before it read its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Landlock holds it away from the file system.
    pub no_files: bool,
    /// Landlock lets it connect to the camera's own port only (TCP).
    pub one_port: bool,
    /// Seccomp refuses every system call that decoding does not need.
    pub few_calls: bool,
    /// The ring's memory is kept out of swap.
    pub unswappable: bool,
}

impl Confinement {
    /// What this system did not grant, as sentences that say what to do.
    pub fn shortcomings(&self) -> Vec<&'static str> {
        let told = [
            (self.no_files, "decoders are not held away from files: run a kernel with Landlock (5.13 or newer)"),
            (self.few_calls, "decoders are not held to few system calls: run a kernel with seccomp filters"),
            (self.unswappable, "frames may be written to swap: raise the limit of locked memory, or turn swap off"),
        ];
        told.into_iter().filter(|(granted, _)| !granted).map(|(_, sentence)| sentence).collect()
    }
}
