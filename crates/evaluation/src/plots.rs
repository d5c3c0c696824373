//! The two figures of a report, as SVG text: error trade-off and score distributions.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::error::EvaluationError;
use crate::evaluate::{Evaluation, probit, shown};

/// Pixels of a figure's own coordinates; the page scales it, so text is drawn large enough for a telephone.
const SIZE: (u32, u32) = (800, 560);
const TEXT_PX: u32 = 26;
const GENUINE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const IMPOSTOR: RGBColor = RGBColor(0xb8, 0x5c, 0x00);
const INK: RGBColor = RGBColor(0x33, 0x3a, 0x44);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
/// Number of bars of the score distributions.
const BARS: usize = 60;
/// Rates that carry a label on the axes of the trade-off; those the set reaches are drawn.
const RATES: [f64; 8] = [1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.05, 0.2, 0.5];
/// The trade-off is drawn up to here: beyond half of the attempts going wrong nothing is worth comparing.
const RATE_MAX: f64 = 0.5;

/// Shares of the scores that fall into equal steps between the lowest and the highest score.
pub(crate) struct Distribution {
    /// Lowest score, as shown.
    pub(crate) from: f64,
    /// Width of a step.
    pub(crate) step: f64,
    /// Share of the genuine scores in each step.
    pub(crate) genuine: Vec<f64>,
    /// Share of the impostor scores in each step.
    pub(crate) impostor: Vec<f64>,
}

/// The detection error trade-off on normal-deviate axes, on which two normal distributions give a straight line.
pub(crate) fn trade_off(evaluation: &Evaluation) -> Result<String, EvaluationError> {
    let mut svg = String::new();
    draw_trade_off(evaluation, &mut svg).map_err(|found| EvaluationError::Figure { figure: "trade-off", found })?;
    Ok(svg)
}

/// The distributions of genuine and impostor scores.
pub(crate) fn distributions(evaluation: &Evaluation) -> Result<String, EvaluationError> {
    let mut svg = String::new();
    draw_distributions(&Distribution::of(evaluation), &mut svg)
        .map_err(|found| EvaluationError::Figure { figure: "score distributions", found })?;
    Ok(svg)
}

impl Distribution {
    pub(crate) fn of(evaluation: &Evaluation) -> Self {
        let scores = |scores: &[f32]| -> Vec<f64> {
            scores.iter().map(|&score| f64::from(shown(evaluation.score, score))).collect()
        };
        let (genuine, impostor) = (scores(evaluation.curve.genuine()), scores(evaluation.curve.impostor()));
        let all = || genuine.iter().chain(&impostor).copied();
        let (from, to) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        // Scores that are all one value still need a width to be drawn in.
        let step = ((to - from) / BARS as f64).max(1e-6);
        Self { from, step, genuine: shares(&genuine, from, step), impostor: shares(&impostor, from, step) }
    }
}

fn shares(scores: &[f64], from: f64, step: f64) -> Vec<f64> {
    let mut shares = vec![0.0; BARS];
    for score in scores {
        let bar = ((score - from) / step) as usize;
        shares[bar.min(BARS - 1)] += 1.0 / scores.len() as f64;
    }
    shares
}

/// An axis of error rates, in standard deviations of the normal distribution, with a tick at every round rate.
struct RateAxis {
    deviates: std::ops::Range<f64>,
    ticks: Vec<(f64, f64)>,
}

impl RateAxis {
    /// The axis of a rate seen in so many trials: it begins where half an error would be.
    fn of(trials: usize) -> Self {
        let from = probit(0.0, trials);
        let seen = RATES.into_iter().filter(|rate| rate * trials as f64 >= 0.5);
        let ticks = seen.map(|rate| (probit(rate, trials), rate)).collect();
        Self { deviates: from..probit(RATE_MAX, trials).max(from + 1.0), ticks }
    }
}

impl Ranged for RateAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.deviates.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let light = hint.weight().allow_light_points();
        self.ticks.iter().filter(|_| !light).map(|(deviate, _)| *deviate).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.deviates.clone()
    }
}

impl ValueFormatter<f64> for RateAxis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(deviate, _)| deviate == value);
        // Single precision drops what multiplying by a hundred left behind the last digit.
        tick.map_or(String::new(), |(_, rate)| format!("{} %", (rate * 100.0) as f32))
    }
}

fn draw_trade_off(evaluation: &Evaluation, svg: &mut String) -> Result<(), String> {
    let (impostor, genuine) = (evaluation.curve.impostor().len(), evaluation.curve.genuine_pairs());
    let area = canvas(svg)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(20)
        .x_label_area_size(80)
        .y_label_area_size(115)
        .build_cartesian_2d(RateAxis::of(impostor), RateAxis::of(genuine))
        .map_err(text)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(font())
        .axis_desc_style(font())
        .x_desc("false match rate")
        .y_desc("false non-match rate")
        .draw()
        .map_err(text)?;
    let points =
        evaluation.results.verification.det.iter().filter(|point| point.fmr <= RATE_MAX && point.fnmr <= RATE_MAX);
    let line = points.map(|point| (probit(point.fmr, impostor), probit(point.fnmr, genuine)));
    chart.draw_series(LineSeries::new(line, GENUINE.stroke_width(4))).map_err(text)?;
    area.present().map_err(text)
}

fn draw_distributions(shares: &Distribution, svg: &mut String) -> Result<(), String> {
    let highest = shares.genuine.iter().chain(&shares.impostor).copied().fold(0.0, f64::max);
    let (from, to) = (shares.from, shares.from + shares.step * BARS as f64);
    let area = canvas(svg)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(20)
        .x_label_area_size(80)
        .y_label_area_size(115)
        .build_cartesian_2d(from..to, 0.0..highest * 1.25)
        .map_err(text)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(font())
        .axis_desc_style(font())
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(&|score| format!("{score:.1}"))
        .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
        .x_desc("score")
        .y_desc("share of pairs")
        .draw()
        .map_err(text)?;
    for (bars, colour, name) in
        [(&shares.impostor, IMPOSTOR, "different people"), (&shares.genuine, GENUINE, "one person")]
    {
        let start = move |bar: usize| from + shares.step * bar as f64;
        let bar = |(bar, &share): (usize, &f64)| {
            Rectangle::new([(start(bar), 0.0), (start(bar + 1), share)], colour.mix(0.55).filled())
        };
        let drawn =
            chart.draw_series(bars.iter().enumerate().filter(|(_, share)| **share > 0.0).map(bar)).map_err(text)?;
        drawn
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 9), (x + 18, y + 9)], colour.mix(0.55).filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperMiddle)
        .label_font(font())
        .border_style(TRANSPARENT)
        .draw()
        .map_err(text)?;
    area.present().map_err(text)
}

fn canvas(svg: &mut String) -> Result<DrawingArea<SVGBackend<'_>, Shift>, String> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(text)?;
    Ok(area)
}

fn font() -> TextStyle<'static> {
    TextStyle::from(("sans-serif", TEXT_PX)).color(&INK)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
