//! `cargo xtask kill`: the store's kill -9 test at more points than a run of all tests takes.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::whole::cargo;

/// Points where none are asked for.
const POINTS: u64 = 1_000;
/// The test, as cargo names it.
const TEST: &str = "kill::nothing_told_is_lost_and_nothing_past_its_clock_is_left";

/// Runs it at `--points` moments from `--seed` on; `true` when every one was survived.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<bool> {
    let (mut points, mut seed) = (POINTS, 1);
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { bail!("{} lacks its number", pair[0]) };
        let value = value.parse().with_context(|| format!("{option} {value}: not a number"))?;
        match option.as_str() {
            "--points" => points = value,
            "--seed" => seed = value,
            other => bail!("no such option: {other}"),
        }
    }
    let status = cargo(root)
        .args(["test", "--release", "--locked", "--package", "store", "--lib", "--", "--exact", "--nocapture", TEST])
        .env("OVERT_KILL_POINTS", points.to_string())
        .env("OVERT_KILL_SEED", seed.to_string())
        .status()
        .context("could not run cargo test")?;
    Ok(status.success())
}
