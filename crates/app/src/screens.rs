//! Serves the control room and the public pages on this machine, until somebody asks for the end.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Four masked pictures a second are enough to follow, and leave the machine to the faces.
pub(crate) const VIEW_INTERVAL: Duration = Duration::from_millis(250);

/// A port of this machine, taken before anything begins that is to be looked at there.
pub(crate) struct Port(TcpListener);

impl Port {
    /// Takes it; 0 takes a free one.
    pub(crate) fn take(port: u16) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener =
            TcpListener::bind(address).with_context(|| format!("listening on {address}: choose another port"))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where the screens will be.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.0.local_addr()?)
    }

    /// Serves them until Ctrl-C, or until the machine goes down.
    pub(crate) fn serve(self, screens: web::Screens) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.0)?;
            web::serve(listener, screens, interrupted()).await?;
            Ok(())
        })
    }
}

/// Returns when somebody, or the machine on its way down, asks for the end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    // Where no signal can be waited for, the deployment runs until its window closes.
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        Some(()) = terminated.recv() => {}
        else => std::future::pending().await,
    }
}
