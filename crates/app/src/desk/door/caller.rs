//! The caller's side of a door: this process's own command line goes in, and what the holder answers comes back.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::super::Answer;
use super::wire::{self, GREETING, Request};
use super::{FOLDER, short};

/// The holder lets whoever knocked in within this time, or is busy with others.
const GREETING_WAIT_MAX: Duration = Duration::from_secs(60);
/// A command is done within this time.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(600);

/// Has this process's command done by whoever holds the data directory. Nothing, where nobody opens: then nothing was asked.
pub(crate) fn ask(data: &Path) -> Result<Option<Answer>> {
    let Ok(folder) = File::open(data.join(FOLDER)) else { return Ok(None) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("going to the door")?;
    let asked = runtime.block_on(knock(&folder));
    asked.with_context(|| format!("asking the process that holds {}", data.display()))
}

async fn knock(folder: &File) -> Result<Option<Answer>> {
    let Ok(mut holder) = UnixStream::connect(short(folder)).await else { return Ok(None) };
    let owner = folder.metadata().context("looking whose the door is")?.uid();
    let peer = holder.peer_cred().context("looking who is behind the door")?.uid();
    ensure!(peer == owner, "the door is of user {owner}, and user {peer} answers; end that process");
    let mut greeting = [0; GREETING.len()];
    match timeout(GREETING_WAIT_MAX, holder.read_exact(&mut greeting)).await {
        Ok(Ok(_)) => {}
        // The door was closed before this process was let in, or does not open to this user.
        Ok(Err(_)) => return Ok(None),
        Err(_) => anyhow::bail!("nobody was let in for {GREETING_WAIT_MAX:?}; try again"),
    }
    ensure!(&greeting == GREETING, "another version of overt answers; use the one that runs the deployment");
    wire::write_request(&mut holder, &request()?).await?;
    let answer = timeout(ANSWER_WAIT_MAX, wire::read_answer(&mut holder)).await;
    let answer = answer.map_err(|_| anyhow::anyhow!("there was no answer for {ANSWER_WAIT_MAX:?}"));
    let look = "whether it was done is on the record: look there before you try again";
    Ok(Some(answer.and_then(|answer| answer).with_context(|| look)?))
}

/// This process's own command line.
fn request() -> Result<Request> {
    let word = |word: std::ffi::OsString| {
        word.into_string().map_err(|word| anyhow::anyhow!("{} is not UTF-8; rename it", word.display()))
    };
    let argv = std::env::args_os().map(word).collect::<Result<_>>()?;
    Ok(Request { folder: std::env::current_dir().context("looking where this command is given")?, argv })
}
