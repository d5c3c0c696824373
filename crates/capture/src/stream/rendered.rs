//! Pictures made in this process, such as the rendered concourse, as a stream like any other.

use std::sync::Arc;

use super::Queue;
use crate::frame::{CaptureError, FrameSource};
use crate::pace::Pace;
use crate::rgb::yuv_of;
use crate::stamp::{Stamp, now};
use crate::yuv::{Storage, YuvFrame};

/// The stream's thread: reads the source until its end, an error or a stop.
pub(super) fn run(queue: &Arc<Queue>, source: Box<dyn FrameSource>, pace: Pace) {
    queue.end_after(|| pump(queue, source, pace));
}

fn pump(queue: &Queue, mut source: Box<dyn FrameSource>, pace: Pace) -> Result<(), CaptureError> {
    let mut start = None;
    while !queue.is_stopped() {
        let read = source.next_frame();
        queue.lock().health.counts.packets_damaged = source.skipped();
        let Some(frame) = read? else { return Ok(()) };
        let (shape, bytes) = yuv_of(&frame).ok_or_else(|| CaptureError::Feed {
            found: format!("a frame of {} x {} with {} bytes", frame.width, frame.height, frame.pixels.len()),
        })?;
        let (number, offset) = (frame.number, frame.offset);
        source.reuse(frame.into_spare());
        if pace == Pace::RealTime {
            queue.wait_until_due(*start.get_or_insert_with(now), offset);
        }
        if !queue.offer(YuvFrame::new(number, 0, Stamp::first(offset), shape, Storage::Owned(bytes))) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Next, Stream, StreamOptions};
    use super::*;
    use crate::frame::Frame;

    const LONG: Duration = Duration::from_secs(60);

    struct Counting {
        given: u64,
        frames: u64,
    }

    impl FrameSource for Counting {
        fn kind(&self) -> &'static str {
            "counting"
        }

        fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
            if self.given == self.frames {
                return Ok(None);
            }
            let number = self.given;
            self.given += 1;
            Ok(Some(Frame { number, offset: Duration::ZERO, width: 2, height: 2, pixels: vec![number as u8; 12] }))
        }
    }

    #[test]
    fn rendered_frames_come_in_order_and_end() {
        let options = StreamOptions::default();
        let bell = options.bell.clone();
        let stream = Stream::of_frames(Box::new(Counting { given: 0, frames: 20 }), Pace::AsFastAsConsumed, options);
        let stream = stream.expect("starts");
        for number in 0..20 {
            let Next::Frame(frame) = stream.next(LONG).expect("no error") else { panic!("frame {number}") };
            assert_eq!((frame.number(), frame.luma().row(0)[0]), (number, number as u8));
        }
        assert!(matches!(stream.next(LONG), Ok(Next::Ended)));
        let health = stream.health();
        assert_eq!((health.counts.frames, health.counts.frames_delivered, health.counts.frames_dropped), (20, 20, 0));
        assert!(bell.rung() >= 20 && bell.wait(0, LONG) >= 20);
    }

    #[test]
    fn a_real_time_stream_drops_its_oldest_and_a_stop_drops_the_rest() {
        let options = StreamOptions { queue_frames_max: 3, ..StreamOptions::default() };
        let stream = Stream::of_frames(Box::new(Counting { given: 0, frames: 10 }), Pace::RealTime, options);
        let stream = stream.expect("starts");
        while stream.health().counts.frames < 10 {
            std::thread::yield_now();
        }
        let depth = || (stream.health().frames_waiting, stream.health().frames_held);
        assert_eq!(depth(), (3, 0));
        let Next::Frame(frame) = stream.next(LONG).expect("no error") else { panic!("a frame") };
        assert_eq!(frame.number(), 7);
        assert_eq!(depth(), (2, 1));
        drop(frame);
        assert_eq!(depth(), (2, 0));
        stream.stop();
        assert!(matches!(stream.next(LONG), Ok(Next::Ended)));
        let counts = stream.health().counts;
        assert_eq!((counts.frames, counts.frames_delivered, counts.frames_dropped), (10, 1, 9));
    }
}
