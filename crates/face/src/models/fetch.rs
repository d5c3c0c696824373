//! Opening a file in a directory or at an address, with a limit on how long a silent network is waited for.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Agent;

/// How long an address may take to answer at all.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// How long one read may take once an answer flows.
const READ_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a whole file may take.
const FILE_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Redirections followed; media hosts use one or two.
const REDIRECTS_MAX: u32 = 5;

/// Fetches from addresses, and asks each silent host only once.
pub(super) struct Network {
    silent_hosts: HashSet<String>,
}

impl Network {
    pub(super) fn new() -> Self {
        Self { silent_hosts: HashSet::new() }
    }

    /// Opens the file at `address`; the error says why not.
    pub(super) fn open(&mut self, address: &str) -> Result<Box<dyn Read>, String> {
        let host = host_of(address).to_owned();
        if self.silent_hosts.contains(&host) {
            return Err(format!("{host} did not answer before"));
        }
        answers(address).and_then(|()| open(address)).map_err(|cause| {
            let said = format!("{host} did not give the file ({cause})");
            self.silent_hosts.insert(host);
            said
        })
    }
}

/// Opens the first file called `name` in `directories`.
pub(super) fn open_in(directories: &[PathBuf], name: &str) -> Result<(PathBuf, File), String> {
    for directory in directories {
        let path = directory.join(name);
        match File::open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(format!("{} cannot be read ({cause})", path.display())),
        }
    }
    match directories {
        [] => Err(format!("no directory to look for {name} in (--from DIR or {})", super::FROM_VARIABLE)),
        _ => Err(format!(
            "{name} is not in {}",
            directories.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The directories to look in: those asked for, those of the environment, and a neighbouring `shared/models`.
pub(super) fn directories(asked: &[PathBuf]) -> Vec<PathBuf> {
    let from_environment = std::env::var_os(super::FROM_VARIABLE).unwrap_or_default();
    let neighbour = Path::new("../shared/models");
    let mut directories: Vec<PathBuf> = asked.to_vec();
    directories.extend(std::env::split_paths(&from_environment).filter(|path| !path.as_os_str().is_empty()));
    if neighbour.is_dir() {
        directories.push(neighbour.to_owned());
    }
    directories
}

/// Asks whether the address answers, all redirections included, within [`ANSWER_TIME_MAX`].
fn answers(address: &str) -> Result<(), String> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(ANSWER_TIME_MAX))
        .max_redirects(REDIRECTS_MAX)
        .https_only(true)
        .build()
        .into();
    agent.head(address).call().map(|_| ()).map_err(|cause| cause.to_string())
}

fn open(address: &str) -> Result<Box<dyn Read>, String> {
    let config = Agent::config_builder()
        .timeout_connect(Some(ANSWER_TIME_MAX))
        .timeout_recv_response(Some(ANSWER_TIME_MAX))
        .timeout_per_read(Some(READ_TIME_MAX))
        .timeout_global(Some(FILE_TIME_MAX))
        .max_redirects(REDIRECTS_MAX)
        .https_only(true);
    let agent: Agent = config.build().into();
    let response = agent.get(address).call().map_err(|cause| cause.to_string())?;
    Ok(Box::new(response.into_body().into_reader()))
}

fn host_of(address: &str) -> &str {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    after_scheme.split('/').next().unwrap_or(after_scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_failed_is_not_asked_again() {
        let mut network = Network::new();
        let first = network.open("https://models.invalid/a.onnx").map(|_| ()).expect_err("no such host");
        assert!(first.contains("models.invalid"), "{first}");
        let second = network.open("https://models.invalid/b.onnx").map(|_| ()).expect_err("no such host");
        assert_eq!(second, "models.invalid did not answer before");
    }

    #[test]
    fn plain_http_is_refused() {
        assert!(Network::new().open("http://models.invalid/a.onnx").is_err());
    }

    #[test]
    fn directories_are_searched_in_order_and_named_when_nothing_is_found() {
        let [first, second] = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
        std::fs::write(second.path().join("model.onnx"), b"x").expect("a file");
        let both = [first.path().to_owned(), second.path().to_owned()];
        let (path, _) = open_in(&both, "model.onnx").expect("found");
        assert_eq!(path, second.path().join("model.onnx"));
        let error = open_in(&both, "other.onnx").map(|_| ()).expect_err("not there");
        assert!(error.contains("other.onnx") && error.contains(&first.path().display().to_string()), "{error}");
    }
}
