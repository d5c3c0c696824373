//! The programs that check us from outside, in Python: their own tests, run with what this machine has or can fetch.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::whole::{Outcome, passes};

/// Where the libraries of the programs are installed.
const ENVIRONMENT: &str = "target/python";

/// Runs the tests of the program in a folder under `tests`. Its `requirements.txt`, if it has one, is installed apart.
pub(crate) fn test(root: &Path, folder: &str) -> Result<Outcome> {
    let place = root.join("tests").join(folder);
    let python = match interpreter(root, &place)? {
        Ok(python) => python,
        Err(lack) => return Ok(Outcome::Skipped(lack)),
    };
    passes(Command::new(python).args(["-B", "-m", "unittest", "discover", "-s", "."]).current_dir(place))
}

/// The interpreter that has what the program needs, or what is lacking.
fn interpreter(root: &Path, place: &Path) -> Result<Result<PathBuf, String>> {
    if !succeeds(Command::new("python3").args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])) {
        return Ok(Err("Python 3.11 or later is not installed (on Debian: python3)".to_owned()));
    }
    let requirements = place.join("requirements.txt");
    if !requirements.is_file() {
        return Ok(Ok("python3".into()));
    }
    let environment = root.join(ENVIRONMENT);
    let python = environment.join("bin/python");
    let made = python.is_file() || succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    if !made {
        return Ok(Err("python3 cannot make an environment (on Debian: python3-venv)".to_owned()));
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements);
    if install.status().context("could not run pip")?.success() {
        Ok(Ok(python))
    } else {
        Ok(Err(format!("pip could not install {}", requirements.display())))
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
