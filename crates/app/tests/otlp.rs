//! The spans of a real run reach a collector that was named, and nobody is named in them: with the real binary, built with `otlp`,
//! and a socket in the place of a collector.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[allow(dead_code, reason = "the rehearsal can do more than is needed here")]
#[path = "door/rehearsal.rs"]
mod rehearsal;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, channel};

use rehearsal::{Rehearsal, said};

/// Most bytes of one batch of spans.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// Starts of a deployment whose notice has not stood for long enough.
const STARTS_MAX: u32 = 1_000;

/// One request as a collector gets it: its first line, and what was sent.
struct Batch {
    line: String,
    body: Vec<u8>,
}

/// Answers every request with an empty answer, and passes on what came.
fn collect(listener: TcpListener) -> Receiver<Batch> {
    let (sender, batches) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let sender = sender.clone();
            std::thread::spawn(move || take_all(stream, &sender));
        }
    });
    batches
}

fn take_all(mut stream: TcpStream, batches: &Sender<Batch>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second one"));
    while let Some(batch) = take(&mut reader) {
        let _ = batches.send(batch);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).expect("it listens");
    }
}

fn take(reader: &mut BufReader<TcpStream>) -> Option<Batch> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.filter(|length| *length <= BATCH_BYTES_MAX).expect("a length")];
    reader.read_exact(&mut body).ok()?;
    Some(Batch { line: lines.first()?.clone(), body })
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Runs the deployment, once its notice has stood for long enough.
fn started(rehearsal: &Rehearsal, collector: &str) -> Child {
    for _ in 0..STARTS_MAX {
        let words = ["deployment", "run", "e-1", "--recording", "c1=clip", "--as", "op-1"];
        let mut run =
            rehearsal.command(&words).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).spawn().expect("it starts");
        while run.try_wait().expect("ours").is_none() {
            if rehearsal.asks(&["deployment", "show", "e-1"])["state"] == "live" {
                return run;
            }
        }
        let refused = run.wait_with_output().expect("ours");
        assert!(said(&refused).contains("public notice"), "{}", said(&refused));
    }
    panic!("it never runs");
}

#[test]
fn a_run_hands_its_spans_to_the_collector_that_was_named() {
    let Some(rehearsal) = Rehearsal::new() else { return };
    rehearsal.prepare("e-1");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let collector = format!("http://{}", listener.local_addr().expect("bound"));
    let batches = collect(listener);
    let mut run = started(&rehearsal, &collector);
    rehearsal.until(&mut run, &["alert", "list", "e-1"], |alerts| alerts.as_array().is_some_and(|all| !all.is_empty()));
    rehearsal.does(&["deployment", "end", "e-1", "--reason", "enough", "--as", "op-1"]);
    let run = run.wait_with_output().expect("ours");
    assert!(run.status.success(), "{}", said(&run));
    let told: Vec<Batch> = batches.try_iter().collect();
    assert!(told.iter().all(|batch| batch.line == "POST /v1/traces HTTP/1.1"), "{:?}", told.first().map(|of| &of.line));
    let spans: Vec<u8> = told.into_iter().flat_map(|batch| batch.body).collect();
    for name in
        ["run", "examination", "examine", "embed", "search", "record", "service.name", "overt", "receipt sealed", "c1"]
    {
        assert!(holds(&spans, name), "{name} in {} bytes", spans.len());
    }
    for secret in ["subject b", "subject a", "ex-0001", "ex-0002", "subject-b-1"] {
        assert!(!holds(&spans, secret), "{secret}");
    }
}
