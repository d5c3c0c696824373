//! Serves the screens of a drawn exercise, to look at them without a model: `cargo run --release -p web --example drawn_screens [PORT]`.

#[path = "../tests/drawn/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it than this example does")]
mod drawn;

use std::sync::Arc;

use capture::Pace;
use domain::Clock;
use drawn::{Drawn, Pass};
use jiff::Timestamp;

/// Frames, one a second.
const FRAMES: usize = 900;
const PORT: u16 = 8090;

struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this program is its own composition root")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(PORT), |port| port.parse())?;
    let passes: Vec<Pass> =
        (0..FRAMES / 12).map(|n| Pass { head: n * 2 % 5, frame: n * 12, y: 55 + (n as i64 * 37) % 80 }).collect();
    let drawn = Drawn::start(&passes, FRAMES, Pace::RealTime, Arc::new(SystemClock));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        eprintln!("http://{}/", listener.local_addr()?);
        let interrupted = async { drop(tokio::signal::ctrl_c().await) };
        web::serve(listener, drawn.screens(), interrupted).await
    })?;
    Ok(())
}
