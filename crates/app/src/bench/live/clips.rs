//! Footage with a known truth: people of a research set walk through a rendered concourse, encoded as a camera encodes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use capture::FrameSource as _;
use capture::concourse::{Concourse, Rect, Script, Sprite, WalkThrough};
use face::decode::{self, Limits};
use face::{Detection, Faces, Picture};

use crate::demo::exercise::Subject;

/// People who walk past one camera: a new one about every 0.7 s, each for about 8 s, so that ten are in view.
const WALKERS: usize = 60;
/// One of so many is listed.
const LISTED_ONE_IN: usize = 2;
/// 1080p at 25 frames a second.
const SIZE_PX: [u32; 2] = [1920, 1080];
const FRAME_INTERVAL: Duration = Duration::from_millis(40);
/// Widths of faces where they are nearest, pixels.
const FACE_PX: [f32; 2] = [44.0, 160.0];
/// The server, so that it is found wherever the binary runs.
const SERVER: &str = include_str!("../../../../../benches/rtsp_server.py");

/// Everybody who may walk, and who of them is listed.
pub(super) struct Walkers {
    walking: Vec<(Picture, Detection)>,
    subjects: Vec<Subject>,
    /// For each subject, who it is.
    listed: Vec<usize>,
}

/// One camera's footage.
pub(super) struct Clip {
    pub(super) camera: String,
    pub(super) file: PathBuf,
    /// Who of the listed walks in it.
    pub(super) listed: Vec<usize>,
    pub(super) lasts: Duration,
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
        let mut gathered = Self { walking: Vec::new(), subjects: Vec::new(), listed: Vec::new() };
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

    /// Who an entry of the list is; entries are numbered from 1 in the order of the subjects.
    pub(super) fn person_of(&self, entry: u32) -> Option<usize> {
        self.listed.get((entry as usize).checked_sub(1)?).copied()
    }

    /// The footage of a camera: rendered and encoded, unless that was done before.
    pub(super) fn clip(&self, camera: usize, folder: &Path) -> Result<Clip> {
        let here: Vec<usize> = (0..WALKERS.min(self.walking.len()))
            .map(|turn| (turn + camera * WALKERS / 3) % self.walking.len())
            .collect();
        let sprites = here.iter().map(|person| sprite(&self.walking[*person])).collect::<Result<Vec<_>>>()?;
        let aim = WalkThrough {
            width: SIZE_PX[0],
            height: SIZE_PX[1],
            frame_interval: FRAME_INTERVAL,
            length: Duration::ZERO,
            nearest_face_px_min: FACE_PX[0],
            nearest_face_px_max: FACE_PX[1],
            ..WalkThrough::default()
        };
        let seed = camera as u64 + 1;
        let script = Script::walk_through(sprites.len(), seed, &aim);
        let lasts = script.length;
        let mut concourse = Concourse::new(sprites, script, seed)?;
        let walked = concourse.truth().passages().iter().map(|passage| here[passage.sprite]).collect::<Vec<_>>();
        let digest: String = concourse.digest().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let file = folder.join(format!("{digest}.mkv"));
        if !file.is_file() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            encode(&mut concourse, &file)?;
        }
        let listed = walked.into_iter().filter(|person| person.is_multiple_of(LISTED_ONE_IN)).collect();
        Ok(Clip { camera: format!("camera {}", camera + 1), file, listed, lasts })
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

fn sprite((picture, found): &(Picture, Detection)) -> Result<Sprite> {
    let face::Rect { left, top, width, height } = found.face;
    let face = Rect { left, top, width, height };
    Ok(Sprite::cut(picture.width(), picture.height(), picture.view().pixels, face)?)
}

/// H.264 High with B-frames at 5 Mbit/s and a key frame every two seconds, as cameras send it.
fn encode(concourse: &mut Concourse, file: &Path) -> Result<()> {
    let partial = file.with_extension("partial.mkv");
    let size = format!("{}x{}", SIZE_PX[0], SIZE_PX[1]);
    let rate = (1000 / FRAME_INTERVAL.as_millis()).to_string();
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", &rate, "-i", "-"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-bf", "2", "-g", "50"])
        .args(["-b:v", "5M", "-maxrate", "5M", "-bufsize", "5M", "-pix_fmt", "yuv420p"])
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
