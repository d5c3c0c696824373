//! Footage with a known truth: people of a research set walk through a rendered concourse, encoded as a camera encodes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use capture::FrameSource as _;
use capture::concourse::{Concourse, PassageTruth, Rect, Script, Sprite, WalkThrough};
use face::decode::{self, Limits};
use face::{Detection, Faces, Picture};

use crate::demo::exercise::Subject;

/// The first walker of a camera is a third of so many further on than that of the camera before. A new one comes about every 0.7 s and
/// takes about 8 s, so that ten are in view.
const WALKERS: usize = 60;
/// One of so many is listed.
const LISTED_ONE_IN: usize = 2;
/// 25 frames a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(40);
/// Widths of faces where they are nearest, pixels.
const FACE_PX: [f32; 2] = [44.0, 160.0];
/// No face is wider than this share of the picture's height: of somebody nearer there is nothing but the face.
const FACE_OF_HEIGHT_MAX: f32 = 1.0 / 3.0;
/// What a camera of 1080p sends, bits a second; smaller pictures send less, and never less than the least.
const RATE_OF_1080P: u64 = 5_000_000;
const RATE_MIN: u64 = 500_000;
const PIXELS_OF_1080P: u64 = 1920 * 1080;
/// The server, so that it is found wherever the binary runs.
const SERVER: &str = include_str!("../../../../../benches/rtsp_server.py");

/// Everybody who may walk, and who of them is listed.
pub(super) struct Walkers {
    walking: Vec<(Picture, Detection)>,
    subjects: Vec<Subject>,
    /// The file of each subject's picture.
    portraits: Vec<PathBuf>,
    /// For each subject, who it is.
    listed: Vec<usize>,
}

/// One camera's footage.
pub(super) struct Clip {
    pub(super) camera: String,
    pub(super) file: PathBuf,
    /// The passages of those who are listed.
    pub(super) walks: Vec<Walk>,
    pub(super) lasts: Duration,
}

/// One passage of somebody listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Walk {
    pub(super) person: usize,
    /// From the first frame in which any of the face is seen to the last.
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// What is rendered for each camera.
pub(super) struct Scene {
    /// People who walk past.
    pub(super) walkers: usize,
    pub(super) size: Size,
    pub(super) length_min: Duration,
}

/// The size of a camera's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl std::str::FromStr for Size {
    type Err = String;

    /// `WIDTHxHEIGHT`: even, since colours are shared by two pixels each way; 320 x 180 to 3840 x 2160.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text} is not WIDTHxHEIGHT, even numbers from 320x180 to 3840x2160");
        let (width, height) = text.split_once('x').ok_or_else(refused)?;
        let side = |text: &str| text.parse::<u32>().ok().filter(|side| side.is_multiple_of(2)).ok_or_else(refused);
        let size = Self { width: side(width)?, height: side(height)? };
        let fits = (320..=3840).contains(&size.width) && (180..=2160).contains(&size.height);
        if fits { Ok(size) } else { Err(refused()) }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Size {
    /// Widths of faces where they are nearest: the same pixels as in 1080p where they fit.
    fn face_px(self) -> [f32; 2] {
        let [least, most] = FACE_PX;
        [least, most.min(FACE_OF_HEIGHT_MAX * self.height as f32)]
    }

    fn bits_per_second(self) -> u64 {
        (RATE_OF_1080P * u64::from(self.width) * u64::from(self.height) / PIXELS_OF_1080P).max(RATE_MIN)
    }
}

/// A real RTSP server that plays each clip to whoever asks.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Walkers {
    /// Reads both folders and finds the one face in each picture.
    pub(super) fn gather(walking: &Path, listed: &Path, faces: &mut Faces) -> Result<Self> {
        let (walking, listed) = (by_person(walking)?, by_person(listed)?);
        let mut gathered =
            Self { walking: Vec::new(), subjects: Vec::new(), portraits: Vec::new(), listed: Vec::new() };
        for (person, file) in walking {
            let Some(other) = listed.get(&person) else { continue };
            let picture = decode::file(&file, &Limits::default())?;
            let found = faces.detector.detect(picture.view().into())?;
            let [detection] = found.as_slice() else { continue };
            let number = gathered.walking.len();
            if number.is_multiple_of(LISTED_ONE_IN) {
                gathered.subjects.push(Subject {
                    label: format!("exercise subject {}", gathered.subjects.len() + 1),
                    image_source: "a published research set".into(),
                    picture: decode::file(other, &Limits::default())?,
                });
                gathered.portraits.push(other.clone());
                gathered.listed.push(number);
            }
            gathered.walking.push((picture, *detection));
        }
        ensure!(gathered.walking.len() >= 2, "found {} people with a picture in both folders", gathered.walking.len());
        Ok(gathered)
    }

    pub(super) fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The files of the subjects' pictures, in their order.
    pub(super) fn portraits(&self) -> &[PathBuf] {
        &self.portraits
    }

    /// Who an entry of the list is; entries are numbered from 1 in the order of the subjects.
    pub(super) fn person_of(&self, entry: u32) -> Option<usize> {
        self.listed.get((entry as usize).checked_sub(1)?).copied()
    }

    /// The footage of a camera: rendered and encoded, unless that was done before.
    pub(super) fn clip(&self, camera: usize, scene: &Scene, folder: &Path) -> Result<Clip> {
        let Scene { walkers, size, length_min } = *scene;
        let here: Vec<usize> = (0..walkers.min(self.walking.len()))
            .map(|turn| (turn + camera * WALKERS / 3) % self.walking.len())
            .collect();
        let sprites = here.iter().map(|person| sprite(&self.walking[*person])).collect::<Result<Vec<_>>>()?;
        let [nearest_face_px_min, nearest_face_px_max] = size.face_px();
        let aim = WalkThrough {
            width: size.width,
            height: size.height,
            frame_interval: FRAME_INTERVAL,
            length: length_min,
            nearest_face_px_min,
            nearest_face_px_max,
            ..WalkThrough::default()
        };
        let seed = camera as u64 + 1;
        let script = Script::walk_through(sprites.len(), seed, &aim);
        let lasts = script.length;
        let mut concourse = Concourse::new(sprites, script, seed)?;
        let walk = |passage: &PassageTruth| Walk { person: here[passage.sprite], from: passage.from, to: passage.to };
        let truth = concourse.truth();
        let walks = truth.passages().iter().map(walk);
        let walks = walks.filter(|walk| walk.person.is_multiple_of(LISTED_ONE_IN)).collect();
        let digest: String = concourse.digest().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let file = folder.join(format!("{digest}.mkv"));
        if !file.is_file() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            encode(&mut concourse, size, &file)?;
        }
        Ok(Clip { camera: format!("camera {}", camera + 1), file, walks, lasts })
    }
}

impl Clip {
    /// The first seconds of it, kept beside it: packets as they are, nothing encoded again.
    pub(super) fn cut(self, length: Duration) -> Result<Self> {
        if length >= self.lasts {
            return Ok(self);
        }
        let seconds = length.as_secs_f64().to_string();
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = self.file.with_file_name(format!("{stem}-first-{seconds}-s.mkv"));
        if !file.is_file() {
            let partial = partial(&file);
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(&self.file);
            ffmpeg.args(["-t", &seconds, "-c", "copy"]).arg(&partial);
            let ended = ffmpeg.status().context("cutting a clip: ffmpeg did not start; install it")?;
            ensure!(ended.success(), "cutting a clip: ffmpeg failed; see what it said above");
            std::fs::rename(&partial, &file).context("keeping the cut clip")?;
        }
        Ok(Self { file, lasts: length, ..self })
    }

    /// Listed people whose passage is over before the clip is: they can be expected to be found.
    pub(super) fn passed(&self) -> impl Iterator<Item = usize> {
        self.walks.iter().filter(|walk| walk.to <= self.lasts).map(|walk| walk.person)
    }

    /// Listed people of whom anything is seen in the clip: it is not wrong to find them.
    pub(super) fn seen(&self) -> impl Iterator<Item = usize> {
        self.walks.iter().filter(|walk| walk.from < self.lasts).map(|walk| walk.person)
    }
}

/// The files of a folder by what their names begin with.
fn by_person(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let listing = || format!("listing {}", folder.display());
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(listing)? {
        let path = entry.with_context(listing)?.path();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let person = stem.split('_').next().unwrap_or_default().to_owned();
        files.entry(person).or_insert(path);
    }
    Ok(files)
}

/// Where a clip is written before it is whole. Two benches that make the same clip do not write into one file.
fn partial(file: &Path) -> PathBuf {
    file.with_extension(format!("{}.partial.mkv", std::process::id()))
}

fn sprite((picture, found): &(Picture, Detection)) -> Result<Sprite> {
    let face::Rect { left, top, width, height } = found.face;
    let face = Rect { left, top, width, height };
    Ok(Sprite::cut(picture.width(), picture.height(), picture.view().pixels, face)?)
}

/// H.264 High with B-frames at 5 Mbit/s (of 1080p) and a key frame every two seconds, as cameras send it.
fn encode(concourse: &mut Concourse, size: Size, file: &Path) -> Result<()> {
    let partial = partial(file);
    let (size, bits) = (size.to_string(), size.bits_per_second().to_string());
    let rate = (1000 / FRAME_INTERVAL.as_millis()).to_string();
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", &rate, "-i", "-"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-bf", "2", "-g", "50"])
        .args(["-b:v", &bits, "-maxrate", &bits, "-bufsize", &bits, "-pix_fmt", "yuv420p"])
        .args(["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_range", "tv"])
        .arg(&partial)
        .stdin(Stdio::piped())
        .spawn()
        .context("encoding a clip: ffmpeg did not start; install it")?;
    let mut pipe = ffmpeg.stdin.take().context("a pipe to ffmpeg")?;
    while let Some(frame) = concourse.next_frame()? {
        pipe.write_all(&frame.pixels).context("handing a frame to ffmpeg")?;
        concourse.reuse(frame.into_spare());
    }
    drop(pipe);
    ensure!(ffmpeg.wait()?.success(), "encoding a clip: ffmpeg failed; see what it said above");
    std::fs::rename(&partial, file).context("keeping the clip")
}

impl Server {
    /// Starts it and waits until it can be connected to.
    pub(super) fn start(clips: &[Clip]) -> Result<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut process = Command::new(python())
            .args(["-c", SERVER, &port.to_string()])
            .args(clips.iter().map(|clip| clip.file.as_os_str()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting Python for the RTSP server")?;
        let mut said = String::new();
        let output = process.stdout.take().context("a pipe from the server")?;
        BufReader::new(output).read_line(&mut said)?;
        if said.trim() != "ready" {
            let _ = process.kill();
            bail!(
                "the RTSP server did not start; install python3-gi and gir1.2-gst-rtsp-server-1.0 with GStreamer's plugins"
            );
        }
        Ok(Self { process, port })
    }

    /// The address of a camera, by its name `camera N`.
    pub(super) fn address(&self, camera: &str) -> String {
        let number = camera.rsplit(' ').next().unwrap_or("1");
        format!("rtsp://127.0.0.1:{}/{number}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The system's own Python, which has the system's GStreamer; another one where there is none.
fn python() -> &'static str {
    const SYSTEM: &str = "/usr/bin/python3";
    if Path::new(SYSTEM).is_file() { SYSTEM } else { "python3" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_refused() {
        assert_eq!("640x360".parse(), Ok(Size { width: 640, height: 360 }));
        for wrong in ["640", "641x360", "640x361", "300x180", "4000x2000", "x", "640x360x2"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn faces_keep_their_pixels_where_they_fit() {
        let size = |width, height| Size { width, height };
        assert_eq!(size(1920, 1080).face_px(), [44.0, 160.0]);
        assert_eq!(size(640, 360).face_px(), [44.0, 120.0]);
        assert!(size(320, 180).face_px()[1] > 44.0);
        assert_eq!(size(1920, 1080).bits_per_second(), 5_000_000);
        // A ninth of the pixels.
        assert_eq!(size(640, 360).bits_per_second(), 555_555);
        assert_eq!(size(320, 180).bits_per_second(), 500_000);
    }

    #[test]
    fn who_is_still_walking_when_a_clip_ends_is_neither_missed_nor_wrong() {
        let walk = |person, from, to| Walk { person, from: Duration::from_secs(from), to: Duration::from_secs(to) };
        let walks = vec![walk(2, 0, 9), walk(4, 3, 10), walk(6, 9, 17), walk(8, 10, 18)];
        let clip = Clip { camera: "camera 1".into(), file: PathBuf::new(), walks, lasts: Duration::from_secs(10) };
        assert_eq!(clip.passed().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(clip.seen().collect::<Vec<_>>(), [2, 4, 6]);
    }
}
