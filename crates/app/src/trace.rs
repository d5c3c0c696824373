//! What is told of the program's work on standard error, and to a collector that somebody named: lines of ours, which hold nothing
//! of anybody. `docs/reference/metrics.md` lists them.

#[cfg(feature = "otlp")]
mod otlp;

use std::env;

use anyhow::{Context as _, Result, bail};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, registry};

/// Which lines: a filter as `tracing-subscriber` has it, such as `info` or `overt::camera=debug`.
const LINES: &str = "OVERT_LOG";
/// How they are written: `text`, or `json` for an object each.
const FORMAT: &str = "OVERT_LOG_FORMAT";
/// Where nobody asked for more.
const LINES_USUAL: &str = "warn";
/// How every target of ours begins.
const OURS: &str = "overt";

/// Ends, when it is dropped, what is told.
#[must_use = "what is told ends when this is dropped"]
pub(crate) struct Telling {
    #[cfg(feature = "otlp")]
    _exporter: Option<otlp::Exporter>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Begins to tell, as the environment asks.
pub(crate) fn begin() -> Result<Telling> {
    let lines = lines(env::var(LINES).unwrap_or_default().as_str())?;
    let written = fmt::layer::<Registry>().with_writer(std::io::stderr);
    let written = match format(env::var(FORMAT).unwrap_or_default().as_str())? {
        Format::Text => written.boxed(),
        Format::Json => written.json().boxed(),
    };
    let told = registry().with(written.with_filter(lines.and(ours(LevelFilter::TRACE))));
    #[cfg(feature = "otlp")]
    let (told, exporter) = {
        let (layer, exporter) = otlp::layer()?.unzip();
        (told.with(layer.map(|layer| layer.with_filter(ours(LevelFilter::DEBUG)))), exporter)
    };
    told.try_init().context("beginning to tell a log")?;
    Ok(Telling {
        #[cfg(feature = "otlp")]
        _exporter: exporter,
    })
}

/// Lines of ours only, whatever the filter asks for: nobody vouches for what other libraries tell.
fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_target(OURS, level)
}

fn lines(asked: &str) -> Result<EnvFilter> {
    let asked = if asked.is_empty() { LINES_USUAL } else { asked };
    EnvFilter::try_new(asked)
        .with_context(|| format!("reading {LINES}: write a level such as info, or overt::run=debug"))
}

fn format(asked: &str) -> Result<Format> {
    match asked {
        "" | "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => bail!("reading {FORMAT}: found {other}; write text or json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_and_formats_are_read_or_refused() {
        for good in ["", "info", "overt::camera=debug", "warn,overt::web=trace", "overt::camera[{camera}]=info"] {
            assert!(lines(good).is_ok(), "{good}");
        }
        assert!(lines("overt::web=loud").is_err());
        assert_eq!(lines("").expect("usual").max_level_hint(), Some(LevelFilter::WARN));
        assert_eq!(
            (format("").ok(), format("json").ok(), format("xml").ok()),
            (Some(Format::Text), Some(Format::Json), None)
        );
    }

    #[test]
    fn only_what_is_ours_is_told() {
        let ours = ours(LevelFilter::TRACE);
        assert!(ours.would_enable("overt::run", &tracing::Level::TRACE));
        assert!(!ours.would_enable("rustls", &tracing::Level::ERROR));
    }
}
