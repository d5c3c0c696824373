//! The report a person reads: one page that needs nothing else, with every figure also as a table and no picture of anybody.

use std::fmt::Write as _;

use crate::error::EvaluationError;
use crate::evaluate::Evaluation;
use crate::plots::{self, Distribution};
use crate::results::{ByPoint, GroupResult, Results};

const STYLE: &str = include_str!("report.css");
/// Rows of the table beside the trade-off figure.
const TRADE_OFF_ROWS_MAX: usize = 24;

/// The report as one HTML page.
pub(crate) fn page(evaluation: &Evaluation) -> Result<String, EvaluationError> {
    let results = &evaluation.results;
    let title = format!("Evaluation of {}", escape(&results.model.bundle));
    let sections = [
        summary(results),
        verification(results),
        figure("Error trade-off", TRADE_OFF_WORDS, &plots::trade_off(evaluation)?, &trade_off_table(results)),
        figure("Scores", DISTRIBUTION_WORDS, &plots::distributions(evaluation)?, &distribution_table(evaluation)),
        identification(results),
        groups(results),
        failures(results),
        not_shown(results),
        provenance(results),
    ];
    Ok(format!(
        "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
        sections.concat()
    ))
}

const TRADE_OFF_WORDS: &str = "Each point is a threshold: how often different people match, against how often one person does \
    not match. Nearer to the lower left is better. Where an error was never seen the line runs along the edge.";
const DISTRIBUTION_WORDS: &str = "How the scores of pairs of one person and of pairs of different people are spread. \
    Where they overlap, no threshold tells them apart.";

fn summary(results: &Results) -> String {
    let verification = &results.verification;
    let mut words = format!(
        "<p class=\"lead\">{} pictures of {} people. {}</p>\n<ul>\n",
        results.images,
        results.identities,
        match results.failures_to_acquire {
            0 => "A face was found in every picture.".to_owned(),
            1 => "In 1 of them no face could be used; it counts as a miss.".to_owned(),
            count => format!("In {count} of them no face could be used; they count as misses."),
        }
    );
    let _ = writeln!(
        words,
        "<li>Comparing one to one, both kinds of error are equally frequent at {}.</li>",
        percent(verification.eer)
    );
    if let Some((fmr, fnmr)) = lowest(&verification.fnmr_at_fmr) {
        let _ = writeln!(
            words,
            "<li>If at most {} of pairs of different people may match, {} of the pairs of one person are missed.</li>",
            percent_of(fmr),
            percent(fnmr)
        );
    }
    if let Some((fpir, tpir)) = lowest(&results.identification.tpir_at_fpir) {
        let _ = writeln!(
            words,
            "<li>Searching a list of {} people, if at most {} of strangers may be taken for somebody, {} of the listed are found.</li>",
            results.identification.enrolled,
            percent_of(fpir),
            percent(tpir)
        );
    }
    words + &widest_group(results) + "</ul>\n"
}

/// The sentence on the group in which strangers are confused most often.
fn widest_group(results: &Results) -> String {
    let rated = results.groups.iter().filter_map(|group| Some((group, group.fmr?, group.fmr_ci95?)));
    let highest = rated.max_by(|one, other| one.1.total_cmp(&other.1)).filter(|(_, fmr, _)| *fmr > 0.0);
    match (highest, results.group_threshold) {
        (Some((group, fmr, [low, high])), Some(point)) => format!(
            "<li>At a threshold where {} of all pairs of different people match, it is {} ({} to {}) inside the group \
             “{}” of {} people.</li>\n",
            percent(point.fmr),
            percent(fmr),
            percent(low),
            percent(high),
            escape(&group.group),
            group.identities,
        ),
        _ => String::new(),
    }
}

fn verification(results: &Results) -> String {
    let verification = &results.verification;
    let rows = verification.fnmr_at_fmr.iter().rev().map(|(fmr, fnmr)| {
        let threshold = verification.threshold_at_fmr.get(fmr).copied().flatten();
        [
            percent_of(fmr),
            fnmr.map_or(unsupported(), percent),
            threshold.map_or(unsupported(), |value| format!("{value:.4}")),
        ]
    });
    format!(
        "<section><h2>One to one</h2>\n<p>{} pairs of one person ({} of them without a face in one picture) and {} pairs of \
         different people. Equal error rate {} at threshold {:.4}; area under the curve {:.5}.</p>\n{}</section>\n",
        verification.genuine,
        verification.genuine_missed,
        verification.impostor,
        percent(verification.eer),
        verification.eer_threshold,
        verification.auc,
        table("Misses at set rates of false matches", &["False matches", "Misses", "Threshold"], rows)
    )
}

fn identification(results: &Results) -> String {
    let found = &results.identification;
    let rows = found.tpir_at_fpir.iter().rev().map(|(fpir, tpir)| {
        let range = found.tpir_range_at_fpir.get(fpir).copied().flatten();
        let range = range.map_or(unsupported(), |[low, high]| format!("{} to {}", percent(low), percent(high)));
        [percent_of(fpir), tpir.map_or(unsupported(), percent), range]
    });
    format!(
        "<section><h2>One to many</h2>\n<p>{} times, half of the people were enrolled with one picture each: {} enrolled, at least \
         {} searches for them and {} searches for people who are not. A person counts as found when ranked first, at or above \
         the threshold.</p>\n{}</section>\n",
        found.splits.len(),
        found.enrolled,
        found.mated,
        found.non_mated,
        table(
            "Found at set rates of false alarms",
            &["Strangers taken for somebody", "Found", "In single splits"],
            rows
        )
    )
}

fn groups(results: &Results) -> String {
    let Some(point) = results.group_threshold.filter(|_| !results.groups.is_empty()) else {
        let reason =
            if results.groups.is_empty() { "The index names no groups." } else { "The set supports no threshold." };
        return format!("<section><h2>Groups</h2>\n<p>{reason}</p></section>\n");
    };
    let rows = results.groups.iter().map(|group| {
        [
            format!("{}<br><small>{}</small>", escape(&group.group), escape(&group.column)),
            group.identities.to_string(),
            rate_cell(group.fmr, group.fmr_ci95),
            rate_cell(group.fnmr, group.fnmr_ci95),
            note_cell(group),
        ]
    });
    format!(
        "<section><h2>Groups</h2>\n<p>Inside each group, at threshold {:.4}, where {} of all pairs of different people match. In \
         brackets: 95 % intervals from drawing the people of the group anew {} times.</p>\n{}</section>\n",
        point.threshold,
        percent(point.fmr),
        results.resamples,
        table("Error rates inside groups", &["Group", "People", "False matches", "Misses", "Note"], rows)
    )
}

fn failures(results: &Results) -> String {
    if results.failures.is_empty() {
        return String::new();
    }
    let rows = results.failures.iter().map(|failure| [failure.row.to_string(), escape(&failure.reason)]);
    format!(
        "<section><h2>Pictures without a usable face</h2>\n{}</section>\n",
        table("Failures to acquire", &["Line", "Reason"], rows)
    )
}

fn not_shown(results: &Results) -> String {
    let mut list: String = results.notes.iter().map(|note| format!("<li>{}.</li>\n", escape(note))).collect();
    for sentence in [
        "These pictures are not the pictures of a street or a station: light, distance, blur and age of the listed image change \
         every rate. Measure on your own cameras and lists before relying on any of them.",
        "The rates hold for a list as long as the one searched here. A longer list takes more strangers for somebody.",
        "A threshold belongs to this recogniser and these weights; it means nothing for another.",
        "Groups are what the index says of people. A small group gives an indication, never a proof that a system is fair.",
        "Nothing here says what people do with an alert. A person decides, and is answerable.",
    ] {
        let _ = writeln!(list, "<li>{sentence}</li>");
    }
    format!("<section><h2>What this does not show</h2>\n<ul>\n{list}</ul></section>\n")
}

fn provenance(results: &Results) -> String {
    let model = &results.model;
    let rows = [
        ["Detector".to_owned(), escape(&model.detector)],
        ["Recogniser".to_owned(), escape(&model.recogniser)],
        ["Weights (SHA-256)".to_owned(), format!("<code>{}</code>", escape(&model.weights_sha256))],
        ["Alignment".to_owned(), escape(&model.alignment)],
        ["Score".to_owned(), model.score.to_owned()],
        ["Engine".to_owned(), model.engine.to_owned()],
        ["Set (SHA-256)".to_owned(), format!("<code>{}</code>", results.set_sha256)],
        ["Seed".to_owned(), results.seed.to_string()],
    ];
    format!(
        "<section><h2>What was measured</h2>\n{}</section>\n",
        table("Models and set", &["Part", "Value"], rows.into_iter())
    )
}

fn trade_off_table(results: &Results) -> String {
    let points = &results.verification.det;
    let step = points.len().div_ceil(TRADE_OFF_ROWS_MAX).max(1);
    let rows = points
        .iter()
        .step_by(step)
        .map(|point| [format!("{:.4}", point.threshold), percent(point.fmr), percent(point.fnmr)]);
    table("Error trade-off", &["Threshold", "False matches", "Misses"], rows)
}

fn distribution_table(evaluation: &Evaluation) -> String {
    let shares = Distribution::of(evaluation);
    let bars = shares.genuine.iter().zip(&shares.impostor).enumerate();
    let rows =
        bars.filter(|(_, (genuine, impostor))| **genuine + **impostor > 0.0).map(|(bar, (genuine, impostor))| {
            let start = |bar: usize| shares.from + shares.step * bar as f64;
            [format!("{:.3} to {:.3}", start(bar), start(bar + 1)), percent(*genuine), percent(*impostor)]
        });
    table("Score distributions", &["Score", "One person", "Different people"], rows)
}

fn figure(title: &str, words: &str, svg: &str, table: &str) -> String {
    let id = title.to_lowercase().replace(' ', "-");
    // The figure scales with the page and is announced by its title; the table says the same in numbers.
    let open = format!("<svg role=\"img\" aria-labelledby=\"{id}\" ");
    let svg = svg.replacen("<svg ", &open, 1);
    format!(
        "<section><h2 id=\"{id}\">{title}</h2>\n<p>{words}</p>\n<figure>\n{svg}</figure>\n\
         <details><summary>The same as a table</summary>\n{table}</details></section>\n"
    )
}

/// A table from cells that are HTML already.
fn table<const N: usize>(caption: &str, heads: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let mut body = String::new();
    for row in rows {
        let cells: String = row.iter().skip(1).map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = writeln!(body, "<tr><th scope=\"row\">{}</th>{cells}</tr>", row.first().map_or("", String::as_str));
    }
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table><caption>{caption}</caption>\n\
         <thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
}

fn rate_cell(rate: Option<f64>, interval: Option<[f64; 2]>) -> String {
    match (rate, interval) {
        (Some(rate), Some([low, high])) => {
            format!("{}<br><small>({} to {})</small>", percent(rate), percent(low), percent(high))
        }
        _ => unsupported(),
    }
}

fn note_cell(group: &GroupResult) -> String {
    group.note.as_deref().map_or(String::new(), |note| format!("<small>{}</small>", escape(note)))
}

fn lowest(points: &ByPoint<f64>) -> Option<(&str, f64)> {
    points.iter().find_map(|(point, rate)| Some((point.as_str(), (*rate)?)))
}

fn unsupported() -> String {
    "<abbr title=\"the set is too small for this figure\">–</abbr>".to_owned()
}

fn percent_of(fraction: &str) -> String {
    fraction.parse().map_or_else(|_| escape(fraction), percent)
}

/// A fraction as per cent, with about three significant digits and no more than can be read.
pub fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    let digits = if value == 0.0 || value >= 99.995 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 0.1 {
        2
    } else {
        4
    };
    format!("{value:.digits$} %")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_is_short_and_true() {
        let cases = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.9996, "100.0 %"),
            (0.0032, "0.32 %"),
            (0.000_02, "0.0020 %"),
            (0.862, "86.2 %"),
        ];
        for (fraction, expected) in cases {
            assert_eq!(percent(fraction), expected);
        }
    }

    #[test]
    fn text_of_the_set_cannot_become_markup() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
