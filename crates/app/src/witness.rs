//! `overt witness`: a small witness that a panel can run, so that a force cannot show two histories without being seen.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use domain::Clock;
use evidence::CheckpointVerifier;
use evidence::witness::{ADD_CHECKPOINT_PATH, REQUEST_BYTES_MAX, Witness};
use store::WitnessFolder;

use crate::clock::SystemClock;
use crate::verify::key_text;

/// What `overt witness` takes.
#[derive(clap::Args)]
pub(crate) struct WitnessArgs {
    /// Address and port to answer at; port 0 chooses a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8686")]
    listen: SocketAddr,
    /// The witness's folder: its key, made at the first start, and what it has cosigned. Keep it; never keep two copies.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The witness's name, a URL without scheme by custom, such as panel.example/witness.
    #[arg(long, value_name = "NAME")]
    key_name: String,
    /// Public key of a log to follow, or a file that holds it; may be given several times.
    #[arg(long = "log", value_name = "KEY|FILE", required = true)]
    logs: Vec<String>,
}

/// Answers until it is told to end.
pub(crate) fn run(args: WitnessArgs) -> Result<ExitCode> {
    let desk = Arc::new(Desk::open(&args)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("starting the witness")?.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen).await;
        let listener = listener.with_context(|| format!("listening at {}", args.listen))?;
        desk.introduce(listener.local_addr()?)?;
        axum::serve(listener, routes(desk)).with_graceful_shutdown(told_to_end()).await.context("answering")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The witness and what it keeps; one request at a time has the folder.
struct Desk {
    witness: Witness,
    folder: Mutex<WitnessFolder>,
    clock: Box<dyn Clock>,
}

impl Desk {
    fn open(args: &WitnessArgs) -> Result<Self> {
        let folder = WitnessFolder::open(&args.state, &args.key_name)?;
        let key =
            |text: &String| CheckpointVerifier::new(&key_text(text)?).with_context(|| format!("reading --log {text}"));
        let logs = args.logs.iter().map(key).collect::<Result<Vec<_>>>()?;
        let witness = Witness::new(folder.cosigner()?, logs)?;
        Ok(Self { witness, folder: Mutex::new(folder), clock: Box::new(SystemClock) })
    }

    /// Says the key by which others know this witness, the logs it follows, and where it answers.
    fn introduce(&self, at: SocketAddr) -> Result<()> {
        let Ok(folder) = self.folder.lock() else { bail!("the witness's folder was left in an unknown state") };
        let mut out = std::io::stdout().lock();
        writeln!(out, "witness key  {}", folder.verifying_key())?;
        self.witness.origins().try_for_each(|origin| writeln!(out, "follows      {origin}"))?;
        writeln!(out, "answers at   http://{at}/{ADD_CHECKPOINT_PATH}")?;
        out.flush().context("printing where the witness answers")
    }
}

fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route(&format!("/{ADD_CHECKPOINT_PATH}"), post(add_checkpoint))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(desk)
}

async fn add_checkpoint(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let weighed = tokio::task::spawn_blocking(move || {
        // A lock that a panic left behind is not taken again: what the folder holds is then uncertain.
        let mut folder =
            desk.folder.lock().map_err(|_| "the witness's folder was left in an unknown state".to_owned())?;
        folder.answer(&desk.witness, &body, desk.clock.now()).map_err(|error| error.to_string())
    });
    match weighed.await {
        Ok(Ok(answer)) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response()
        }
        Ok(Err(failure)) => {
            eprintln!("overt: {failure}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use evidence::cosignature::add_cosignatures;
    use evidence::{CheckpointSigner, KeyPair, Log, MemoryTiles, WitnessKey, proof, witness};

    use super::*;

    fn log_keys() -> KeyPair {
        KeyPair::from_seed("example.org/log", [7; 32]).unwrap()
    }

    fn log(word: &str, size: u64) -> (MemoryTiles, Vec<u8>) {
        let (mut log, mut tiles) = (Log::new(), MemoryTiles::default());
        let lines: Vec<_> = (0..size).map(|n| format!("{word} {n}")).collect();
        log.append(&mut tiles, &lines).unwrap();
        (tiles, CheckpointSigner::new(&log_keys().signing).unwrap().sign(size, log.root()).unwrap().note)
    }

    /// A witness on a port of its own, for as long as the process lives.
    fn serve(state: PathBuf) -> (String, WitnessKey) {
        let args = WitnessArgs {
            listen: "127.0.0.1:0".parse().unwrap(),
            state,
            key_name: "panel.example".into(),
            logs: vec![log_keys().verifying],
        };
        let desk = Arc::new(Desk::open(&args).unwrap());
        let key = WitnessKey::new(desk.folder.lock().unwrap().verifying_key()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(args.listen)).unwrap();
        let address = format!("http://{}/{ADD_CHECKPOINT_PATH}", listener.local_addr().unwrap());
        thread::spawn(move || runtime.block_on(async { axum::serve(listener, routes(desk)).await }));
        (address, key)
    }

    /// Status, media type and body of an answer.
    fn ask(address: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.post(address).send(body).unwrap();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kind.unwrap_or_default(), answer.body_mut().read_to_vec().unwrap())
    }

    #[test]
    fn a_witness_answers_over_http_as_the_specification_asks() {
        let place = tempfile::tempdir().unwrap();
        let (address, key) = serve(place.path().join("witness"));
        let (_, note) = log("a", 5);
        let (status, _, lines) = ask(&address, &witness::request(0, &[], &note));
        assert_eq!(status, 200);
        assert_eq!(add_cosignatures(&note, &lines, &[key]).unwrap().1, ["panel.example"]);
        assert_eq!(ask(&address, &witness::request(0, &[], &note)), (409, "text/x.tlog.size".into(), b"5\n".to_vec()));
        assert_eq!(ask(&address, b"nonsense").0, 400);
        assert_eq!(ask(&address, &vec![b'x'; REQUEST_BYTES_MAX + 1]).0, 413);
        assert_eq!(ask(&address.replace("checkpoint", "nothing"), b"").0, 404);
    }

    #[test]
    fn of_two_histories_at_once_one_is_cosigned() {
        let place = tempfile::tempdir().unwrap();
        let (address, _) = serve(place.path().join("witness"));
        assert_eq!(ask(&address, &witness::request(0, &[], &log("a", 3).1)).0, 200);
        // Sixteen ways on from the same state, all at once: whichever comes first, the others come too late.
        let asked: Vec<_> = (4..20_u64)
            .map(|size| {
                let address = address.clone();
                thread::spawn(move || {
                    let (tiles, note) = log("a", size);
                    let proof = proof::prove_consistency(&tiles, 3, size).unwrap();
                    ask(&address, &witness::request(3, &proof, &note)).0
                })
            })
            .collect();
        let statuses: Vec<_> = asked.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    }
}
