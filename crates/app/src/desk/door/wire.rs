//! What passes through a door: a greeting, one request in JSON, and one answer: its lengths in JSON, then its bytes.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::super::Answer;

/// What the holder says first, to whom it lets in: until then nothing was asked, and whoever knocked may try again.
pub(super) const GREETING: &[u8; 13] = b"overt door 1\n";
/// Most bytes of a request: a command line and a folder.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// Most bytes of an answer: every entry of a large record.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A command line, and from where it was given.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The caller's working directory.
    pub folder: PathBuf,
    /// The words of the command line, the program's name first.
    pub argv: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Lengths {
    code: u8,
    out: usize,
    err: usize,
}

/// Greets, and reads all that comes.
pub(super) async fn read_request(caller: &mut UnixStream) -> Result<Request> {
    caller.write_all(GREETING).await.context("greeting")?;
    let mut bytes = Vec::new();
    caller.take(REQUEST_BYTES_MAX + 1).read_to_end(&mut bytes).await.context("reading a request")?;
    ensure!(bytes.len() as u64 <= REQUEST_BYTES_MAX, "a request has more than {REQUEST_BYTES_MAX} bytes");
    let request: Request = serde_json::from_slice(&bytes).context("reading a request: it is none")?;
    ensure!(request.folder.is_absolute(), "reading a request: its folder is not named from the root");
    Ok(request)
}

/// Sends a request, all of it.
pub(super) async fn write_request(holder: &mut UnixStream, request: &Request) -> Result<()> {
    let bytes = serde_json::to_vec(request)?;
    ensure!(bytes.len() as u64 <= REQUEST_BYTES_MAX, "the command line has more than {REQUEST_BYTES_MAX} bytes");
    holder.write_all(&bytes).await?;
    Ok(holder.shutdown().await?)
}

/// Sends an answer.
pub(super) async fn write_answer(caller: &mut UnixStream, answer: &Answer) -> Result<()> {
    let Answer { out, err, code } = answer;
    let mut lengths = serde_json::to_vec(&Lengths { code: *code, out: out.len(), err: err.len() })?;
    lengths.push(b'\n');
    for part in [&lengths, out, err.as_bytes()] {
        caller.write_all(part).await?;
    }
    Ok(caller.shutdown().await?)
}

/// Reads an answer.
pub(super) async fn read_answer(holder: &mut UnixStream) -> Result<Answer> {
    let mut bytes = Vec::new();
    holder.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes).await?;
    ensure!(bytes.len() as u64 <= ANSWER_BYTES_MAX, "the answer has more than {ANSWER_BYTES_MAX} bytes");
    let end = bytes.iter().position(|byte| *byte == b'\n').context("it broke off")?;
    let Lengths { code, out, err } = serde_json::from_slice(&bytes[..end])?;
    let said = &bytes[end + 1..];
    ensure!(said.len() == out.saturating_add(err), "it broke off");
    let (out, err) = said.split_at(out);
    Ok(Answer { out: out.to_vec(), err: String::from_utf8(err.to_vec())?, code })
}
