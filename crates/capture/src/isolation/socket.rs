//! A pair of connected sockets that keep messages whole: each end says something, waits, and hears one message at a time.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// One end. Sending and hearing may happen on different threads at once.
pub(crate) struct Socket(OwnedFd);

/// What waiting brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// This many bytes of a message.
    Message(usize),
    /// Nothing yet.
    Nothing,
    /// The other end is gone.
    Gone,
}

/// Whether a call may wait for the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    Now,
}

impl Socket {
    /// Two ends, closed in programs that are started unless handed on.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let mut ends = [0; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        // SAFETY: the array has room for the two numbers the call writes.
        check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) }.into())?;
        // SAFETY: both were just opened and belong to nobody else.
        let [ours, theirs] = ends.map(|end| Self(unsafe { OwnedFd::from_raw_fd(end) }));
        Ok((ours, theirs))
    }

    /// The end that a parent handed over; an error when it is no such socket.
    pub(crate) fn from_parent(end: OwnedFd) -> io::Result<Self> {
        let (mut kind, mut length) = (0_i32, size_of::<i32>() as libc::socklen_t);
        let place = (&raw mut kind).cast();
        // SAFETY: `kind` is an integer of the length that is named.
        check(
            unsafe { libc::getsockopt(end.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TYPE, place, &raw mut length) }
                .into(),
        )?;
        if kind != libc::SOCK_SEQPACKET {
            return Err(io::Error::other("not the socket of a parent"));
        }
        Ok(Self(end))
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Says one message. With [`Patience::Now`] a full socket is an error.
    pub(crate) fn say(&self, message: &[u8], patience: Patience) -> io::Result<()> {
        let flags = libc::MSG_NOSIGNAL | if patience == Patience::Now { libc::MSG_DONTWAIT } else { 0 };
        loop {
            // SAFETY: the message is as long as it says.
            let sent = unsafe { libc::send(self.raw(), message.as_ptr().cast(), message.len(), flags) };
            match check(sent as i64) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(|_| ()),
            }
        }
    }

    /// Hears one message into `buffer`; one that is longer is cut, and so no message.
    pub(crate) fn hear(&self, buffer: &mut [u8], patience: Patience) -> io::Result<Heard> {
        let flags = if patience == Patience::Now { libc::MSG_DONTWAIT } else { 0 };
        loop {
            // SAFETY: the buffer is as long as it says, and ours alone.
            let got = unsafe { libc::recv(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), flags) };
            return match check(got as i64) {
                Ok(0) => Ok(Heard::Gone),
                Ok(length) => Ok(Heard::Message(length as usize)),
                Err(error) => match error.kind() {
                    // An end that goes without having heard everything resets the connection, and that is told, once, before what it
                    // said last: those words are still there to be heard, and after them that it is gone.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset => continue,
                    io::ErrorKind::WouldBlock => Ok(Heard::Nothing),
                    io::ErrorKind::BrokenPipe => Ok(Heard::Gone),
                    _ => Err(error),
                },
            };
        }
    }

    /// Waits until something can be heard, at most `wait`; whether it can.
    pub(crate) fn wait(&self, wait: Duration) -> io::Result<bool> {
        let mut asked = libc::pollfd { fd: self.raw(), events: libc::POLLIN, revents: 0 };
        let milliseconds = wait.as_micros().div_ceil(1000).try_into().unwrap_or(i32::MAX);
        // SAFETY: one structure, and the number one.
        match check(unsafe { libc::poll(&raw mut asked, 1, milliseconds) }.into()) {
            Ok(ready) => Ok(ready > 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The error of the last call when it answered less than zero.
pub(crate) fn check(answer: i64) -> io::Result<i64> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_an_end_that_did_not_hear_everything_are_heard_before_it_is_gone() {
        let (ours, theirs) = Socket::pair().expect("two ends");
        ours.say(b"a place is free", Patience::Now).expect("said");
        theirs.say(b"a picture", Patience::Now).expect("said");
        theirs.say(b"the end", Patience::Now).expect("said");
        drop(theirs);
        let mut buffer = [0; 64];
        for words in [&b"a picture"[..], b"the end"] {
            assert_eq!(ours.hear(&mut buffer, Patience::Now).expect("heard"), Heard::Message(words.len()));
            assert_eq!(&buffer[..words.len()], words);
        }
        assert_eq!(ours.hear(&mut buffer, Patience::Now).expect("heard"), Heard::Gone);
        assert_eq!(ours.hear(&mut buffer, Patience::Wait).expect("heard"), Heard::Gone);
    }
}
