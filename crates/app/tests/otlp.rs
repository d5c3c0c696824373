//! The spans of a real run reach a collector that was named, and nobody is named in them: with the real binary, built with `otlp`,
//! and a socket in the place of a collector.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[allow(dead_code, reason = "the rehearsal can do more than is needed here")]
#[path = "door/rehearsal.rs"]
mod rehearsal;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use rehearsal::{Rehearsal, said};

/// Most bytes of one batch of spans.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// Names the collector.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// On a slow machine too none of a run's spans is lost in the queue, few are left for its end, and its own span keeps all lines.
const QUEUE: (&str, &str) = ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000");
const DELAY: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "200");
const LINES: (&str, &str) = ("OTEL_SPAN_EVENT_COUNT_LIMIT", "100000");
/// What is to be read in the spans of a run: their names, the service, a line told at the end, and a camera.
const NAMES: [&str; 10] =
    ["run", "examination", "examine", "embed", "search", "record", "service.name", "overt", "receipt sealed", "c1"];

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

/// The spans of one run, from its start until somebody ends it or its recording runs out.
fn spans_of_a_run(rehearsal: &Rehearsal, deployment: &str, collector: &str, batches: &Receiver<Batch>) -> Vec<u8> {
    rehearsal.prepare(deployment);
    let variables = [(COLLECTOR, collector), QUEUE, DELAY, LINES];
    let mut run = rehearsal.run_with(deployment, &[], &variables);
    let alerts = ["alert", "list", deployment];
    rehearsal.until(&mut run, &alerts, |alerts| alerts.as_array().is_some_and(|all| !all.is_empty()));
    // Where the recording has run out meanwhile there is nothing to end.
    let _ = rehearsal.try_to(&["deployment", "end", deployment, "--reason", "enough", "--as", "op-1"]);
    let run = run.wait_with_output().expect("ours");
    assert!(run.status.success(), "{}", said(&run));
    let told: Vec<Batch> = batches.try_iter().collect();
    assert!(told.iter().all(|batch| batch.line == "POST /v1/traces HTTP/1.1"), "{:?}", told.first().map(|of| &of.line));
    told.into_iter().flat_map(|batch| batch.body).collect()
}

#[test]
fn a_run_hands_its_spans_to_the_collector_that_was_named() {
    let Some(rehearsal) = Rehearsal::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let collector = format!("http://{}", listener.local_addr().expect("bound"));
    let batches = collect(listener);
    let mut spans = spans_of_a_run(&rehearsal, "e-1", &collector, &batches);
    if !NAMES.iter().all(|name| holds(&spans, name)) {
        // What a machine that stands still for five seconds does not take is lost, as it is meant to be: only twice is it a fault.
        spans.extend(spans_of_a_run(&rehearsal, "e-2", &collector, &batches));
    }
    for name in NAMES {
        assert!(holds(&spans, name), "{name} in {} bytes", spans.len());
    }
    for secret in ["subject b", "subject a", "ex-0001", "ex-0002", "subject-b-1"] {
        assert!(!holds(&spans, secret), "{secret}");
    }
}
