//! `overt inspect`: what the detector sees in still images, and how good it is.

mod draw;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use face::bundle::DEFAULT_BUNDLE;
use face::decode::{self, Limits};
use face::{Bundle, Detection, Faces, OpenOptions, Picture, Quality};
use serde::Serialize;

/// The exit code when a file could not be used; the others were.
pub(crate) const UNUSABLE_INPUT: u8 = 2;

/// What `overt inspect` takes.
#[derive(clap::Args)]
pub(crate) struct InspectArgs {
    /// Still images: JPEG, PNG, WebP or PNM.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the image with boxes and points to this PNG (one image only).
    #[arg(long, value_name = "OUT.png")]
    draw: Option<PathBuf>,
    /// Pair of models whose detector is used.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BUNDLE)]
    bundle: String,
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    bundle: String,
    engine: &'static str,
    detector: String,
    images: Vec<ImageReport>,
}

/// One file: either what was found in it or why it was not read.
#[derive(Serialize)]
#[serde(untagged)]
enum ImageReport {
    Read { file: String, width: u32, height: u32, faces: Vec<FaceReport> },
    Refused { file: String, error: String },
}

/// One face, as `inspect` and `compare` print it. Pixels and degrees as in [`Quality`].
#[derive(Serialize)]
pub(crate) struct FaceReport {
    #[serde(rename = "box")]
    face: BoxReport,
    confidence: f32,
    points: PointsReport,
    quality: QualityReport,
}

#[derive(Serialize)]
struct BoxReport {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

#[derive(Serialize)]
struct PointsReport {
    right_eye: [f32; 2],
    left_eye: [f32; 2],
    nose_tip: [f32; 2],
    right_mouth_corner: [f32; 2],
    left_mouth_corner: [f32; 2],
}

#[derive(Serialize)]
struct QualityReport {
    inter_eye_distance_px: f32,
    sharpness: f32,
    luminance_mean: f32,
    illumination_uniformity: f32,
    over_exposure: f32,
    under_exposure: f32,
    yaw_deg: f32,
    pitch_deg: f32,
    roll_deg: f32,
    detector_confidence: f32,
}

/// Inspects every image; one that cannot be read is named and does not stop the others.
pub(crate) fn run(args: InspectArgs) -> anyhow::Result<ExitCode> {
    if let Some(out) = &args.draw {
        ensure!(
            args.images.len() == 1,
            "--draw takes one image, {} were given; draw them one by one",
            args.images.len()
        );
        let same = std::fs::canonicalize(out)
            .ok()
            .filter(|out| std::fs::canonicalize(&args.images[0]).ok().as_ref() == Some(out));
        ensure!(same.is_none(), "--draw {} would overwrite the image; name another file", out.display());
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut faces = Bundle::open(&args.bundle, OpenOptions { threads, ..OpenOptions::usual()? })?;
    let mut images = Vec::with_capacity(args.images.len());
    for path in &args.images {
        let report = inspect(&mut faces, path, args.draw.as_deref());
        images.push(report.unwrap_or_else(|error| {
            eprintln!("overt: {error:#}");
            ImageReport::Refused { file: path.display().to_string(), error: format!("{error:#}") }
        }));
    }
    let refused = images.iter().any(|image| matches!(image, ImageReport::Refused { .. }));
    let detector = faces.detector.name().to_owned();
    let report = Report { bundle: faces.bundle, engine: faces.engine.name(), detector, images };
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { table(&report) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if refused { ExitCode::from(UNUSABLE_INPUT) } else { ExitCode::SUCCESS })
}

/// Reads one image and finds its faces, the most certain first. Errors name the file.
pub(crate) fn find(faces: &mut Faces, path: &Path) -> anyhow::Result<(Picture, Vec<Detection>)> {
    let picture = decode::file(path, &Limits::default())?;
    let found = faces
        .detector
        .detect(picture.view().into())
        .with_context(|| format!("{}: no faces could be sought", path.display()))?;
    Ok((picture, found))
}

fn inspect(faces: &mut Faces, path: &Path, out: Option<&Path>) -> anyhow::Result<ImageReport> {
    let (mut picture, found) = find(faces, path)?;
    let reports = found.iter().map(|face| FaceReport::of(&picture, face)).collect();
    if let Some(out) = out {
        draw::faces(&mut picture, &found);
        let (pixels, width, height) = (picture.view().pixels, picture.width(), picture.height());
        image::save_buffer_with_format(out, pixels, width, height, image::ColorType::Rgb8, image::ImageFormat::Png)
            .with_context(|| format!("{} could not be written", out.display()))?;
    }
    Ok(ImageReport::Read {
        file: path.display().to_string(),
        width: picture.width(),
        height: picture.height(),
        faces: reports,
    })
}

impl FaceReport {
    /// Measures one face.
    pub(crate) fn of(picture: &Picture, found: &Detection) -> Self {
        let Quality {
            inter_eye_distance_px,
            sharpness,
            luminance_mean,
            illumination_uniformity,
            over_exposure,
            under_exposure,
            yaw_deg,
            pitch_deg,
            roll_deg,
            detector_confidence,
        } = Quality::measure(picture.view(), found);
        let [right_eye, left_eye, nose_tip, right_mouth_corner, left_mouth_corner] =
            found.points.map(|point| [point.x, point.y]);
        let face::Rect { left, top, width, height } = found.face;
        Self {
            face: BoxReport { left, top, width, height },
            confidence: found.confidence,
            points: PointsReport { right_eye, left_eye, nose_tip, right_mouth_corner, left_mouth_corner },
            quality: QualityReport {
                inter_eye_distance_px,
                sharpness,
                luminance_mean,
                illumination_uniformity,
                over_exposure,
                under_exposure,
                yaw_deg,
                pitch_deg,
                roll_deg,
                detector_confidence,
            },
        }
    }

    /// The columns of one line; [`FaceReport::HEADING`] names them.
    pub(crate) fn line(&self) -> String {
        let (face, quality) = (&self.face, &self.quality);
        let place = format!("{:.0},{:.0} {:.0}x{:.0}", face.left, face.top, face.width, face.height);
        let mut line = format!("{place:<20}{:>10.2}{:>9.1}", self.confidence, quality.inter_eye_distance_px);
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            "{:>11.0}{:>11.2}{:>12.2}",
            quality.sharpness, quality.luminance_mean, quality.illumination_uniformity
        );
        let _ = write!(line, "{:>8.1}{:>8.1}", 100.0 * quality.over_exposure, 100.0 * quality.under_exposure);
        let _ = write!(line, "{:>6.0}{:>7.0}{:>6.0}", quality.yaw_deg, quality.pitch_deg, quality.roll_deg);
        line
    }

    /// What the columns of a line are.
    pub(crate) const HEADING: &str =
        "box                 confidence  eyes px  sharpness  luminance  uniformity  over %  under %   yaw  pitch  roll";
}

fn table(report: &Report) -> String {
    let mut lines = vec![format!("{}: {} on {}", report.bundle, report.detector, report.engine)];
    for image in &report.images {
        match image {
            ImageReport::Read { file, width, height, faces } => {
                let count = match faces.len() {
                    0 => "no face".to_owned(),
                    1 => "1 face".to_owned(),
                    count => format!("{count} faces"),
                };
                lines.push(format!("{file}: {width} x {height} pixels, {count}"));
                lines.extend((!faces.is_empty()).then(|| format!("  {}", FaceReport::HEADING)));
                lines.extend(faces.iter().map(|face| format!("  {}", face.line())));
            }
            ImageReport::Refused { file, .. } => lines.push(format!("{file}: not read")),
        }
    }
    lines.join("\n") + "\n"
}
