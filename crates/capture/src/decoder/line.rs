//! The decoder's end of the socket: places that are free, what to leave out, and the recording's bytes, asked for in order.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::health::Skip;
use crate::isolation::message::{MESSAGE_BYTES_MAX, Order, PIECE_BYTES_MAX, Report};
use crate::isolation::socket::{Heard, Patience, Socket};

/// What the parent said so far.
pub(super) struct Line {
    socket: Socket,
    buffer: Vec<u8>,
    free: Vec<u32>,
    skip: Skip,
}

/// What one message was.
enum Said {
    Nothing,
    /// It was done.
    Done,
    /// A piece of the recording, and where it begins.
    Piece(u64, Vec<u8>),
}

/// The parent is gone: there is nobody to decode for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl Line {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket, buffer: vec![0; MESSAGE_BYTES_MAX], free: Vec::new(), skip: Skip::Nothing }
    }

    /// Hears the first message, whatever it is.
    pub(super) fn first(&mut self) -> Result<&[u8], Gone> {
        match self.socket.hear(&mut self.buffer, Patience::Wait) {
            Ok(Heard::Message(length)) => Ok(&self.buffer[..length]),
            _ => Err(Gone),
        }
    }

    pub(super) fn free_places(&mut self, slots: u32) {
        self.free = (0..slots).rev().collect();
    }

    pub(super) fn say(&self, report: &Report) -> Result<(), Gone> {
        self.socket.say(&report.encode(), Patience::Wait).map_err(|_| Gone)
    }

    /// Listens to what has been said, without waiting.
    pub(super) fn catch_up(&mut self) -> Result<(), Gone> {
        while !matches!(self.hear(Patience::Now)?, Said::Nothing) {}
        Ok(())
    }

    /// Listens for at most `wait`.
    pub(super) fn listen(&mut self, wait: Duration) -> Result<(), Gone> {
        self.socket.wait(wait).map_err(|_| Gone)?;
        self.catch_up()
    }

    pub(super) fn skip(&self) -> Skip {
        self.skip
    }

    /// A free place, if there is one.
    pub(super) fn place(&mut self) -> Option<u32> {
        self.free.pop()
    }

    /// A free place, waited for.
    pub(super) fn wait_for_place(&mut self) -> Result<u32, Gone> {
        loop {
            if let Some(slot) = self.free.pop() {
                return Ok(slot);
            }
            self.hear(Patience::Wait)?;
        }
    }

    /// Hears one message and does what it says; a piece of the recording is handed on.
    fn hear(&mut self, patience: Patience) -> Result<Said, Gone> {
        let length = match self.socket.hear(&mut self.buffer, patience) {
            Ok(Heard::Message(length)) => length,
            Ok(Heard::Nothing) => return Ok(Said::Nothing),
            _ => return Err(Gone),
        };
        match Order::decode(&self.buffer[..length]).ok_or(Gone)? {
            Order::Free { slot } => self.free.push(slot),
            Order::Skip(skip) => self.skip = skip,
            Order::Piece { from, bytes } => return Ok(Said::Piece(from, bytes)),
        }
        Ok(Said::Done)
    }

    fn piece(&mut self, from: u64, length: usize) -> Result<Vec<u8>, Gone> {
        self.say(&Report::Want { from, length: length as u32 })?;
        loop {
            if let Said::Piece(start, bytes) = self.hear(Patience::Wait)?
                && start == from
            {
                return Ok(bytes);
            }
        }
    }
}

/// One line, used by the loop and, inside FFmpeg, by the recording's reader; never at once.
#[derive(Clone)]
pub(super) struct SharedLine(Arc<Mutex<Line>>);

impl SharedLine {
    pub(super) fn new(line: Line) -> Self {
        Self(Arc::new(Mutex::new(line)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recording whose bytes the parent reads, checks and hands over.
pub(super) struct Remote {
    line: SharedLine,
    bytes: u64,
    position: u64,
    piece: Vec<u8>,
    piece_from: u64,
}

impl Remote {
    pub(super) fn new(line: SharedLine, bytes: u64) -> Self {
        Self { line, bytes, position: 0, piece: Vec::new(), piece_from: 0 }
    }
}

impl Read for Remote {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.bytes || buffer.is_empty() {
            return Ok(0);
        }
        let inside = self.position.checked_sub(self.piece_from).and_then(|inside| usize::try_from(inside).ok());
        let inside = inside.filter(|inside| *inside < self.piece.len());
        let inside = match inside {
            Some(inside) => inside,
            None => {
                let length = (self.bytes - self.position).min(PIECE_BYTES_MAX as u64) as usize;
                self.piece = self.line.lock().piece(self.position, length).map_err(|Gone| io::Error::other("gone"))?;
                self.piece_from = self.position;
                0
            }
        };
        let available = &self.piece[inside..];
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Remote {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
