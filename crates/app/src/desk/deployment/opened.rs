//! The sources that a run opens: declared recordings, or declared cameras with what signs in to them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use capture::{Address, Credentials, Recording, Transport};
use pipeline::{Footage, LiveCamera, Source};

use super::super::text_of;

/// What is opened.
#[derive(clap::Args)]
pub(super) struct Opened {
    /// A declared recording, in the place of its camera; once for each.
    #[arg(long = "recording", value_name = "CAMERA=FILE", value_parser = name_and_rest)]
    recordings: Vec<(String, String)>,
    /// A declared camera and its address, or @ and the file that holds it; once for each.
    #[arg(long = "camera", value_name = "CAMERA=ADDRESS|@FILE", value_parser = name_and_rest, conflicts_with = "recordings")]
    cameras: Vec<(String, String)>,
    /// What signs in to a camera: a file that only its owner may read, with name:password in its first line, or $ and the name of
    /// an environment variable that holds name:password.
    #[arg(long = "sign-in", value_name = "CAMERA=FILE|$VARIABLE", value_parser = name_and_rest)]
    sign_ins: Vec<(String, String)>,
    /// How RTSP cameras send.
    #[arg(long, value_enum, default_value_t = Sending::Tcp)]
    transport: Sending,
    /// Certificates (PEM) that the cameras' TLS must lead to; the system's when absent.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Decode what the cameras send with this machine's hardware, by FFmpeg's name for it, such as vaapi or cuda.
    #[arg(long, value_name = "NAME", requires = "cameras")]
    hardware: Option<String>,
}

/// How RTSP cameras send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sending {
    Tcp,
    Udp,
}

fn name_and_rest(text: &str) -> Result<(String, String), String> {
    let (camera, rest) = text.split_once('=').ok_or("write CAMERA=…")?;
    Ok((camera.to_owned(), rest.to_owned()))
}

impl Opened {
    /// How many are named.
    pub(super) fn count(&self) -> usize {
        self.recordings.len() + self.cameras.len()
    }

    /// The sources, in the order in which they were named.
    pub(super) fn sources(&self) -> Result<Vec<Source>> {
        if let Some((stranger, _)) =
            self.sign_ins.iter().find(|(name, _)| self.cameras.iter().all(|(of, _)| of != name))
        {
            bail!("opening the cameras: --sign-in names {stranger}, which no --camera does");
        }
        let recordings = self.recordings.iter().map(|(camera, file)| {
            let footage = Footage::Recording(Recording::open(Path::new(file))?);
            Ok(Source { camera: camera.clone(), footage })
        });
        let cameras = self.cameras.iter().map(|(camera, address)| self.camera(camera, address));
        let sources = recordings.chain(cameras).collect::<Result<Vec<_>>>()?;
        ensure!(!sources.is_empty(), "running a deployment: name its sources with --recording or --camera");
        Ok(sources)
    }

    /// Whether the hardware that was named is here: asked before anything is started, of a process that is then ended.
    pub(super) fn check_hardware(&self) -> Result<()> {
        Ok(self.hardware.as_deref().map_or(Ok(()), capture::check_hardware)?)
    }

    /// The name of the first source.
    pub(super) fn first(&self) -> &str {
        self.recordings.first().or(self.cameras.first()).map_or("", |(camera, _)| camera)
    }

    fn camera(&self, name: &str, address: &str) -> Result<Source> {
        let declared_address = match address.strip_prefix('@') {
            Some(file) => text_of(Path::new(file))?.trim().to_owned(),
            None => address.to_owned(),
        };
        // Said before anything is started.
        declared_address.parse::<Address>()?;
        let footage = Footage::Camera(Box::new(LiveCamera {
            declared_address,
            transport: match self.transport {
                Sending::Tcp => Transport::Tcp,
                Sending::Udp => Transport::Udp,
            },
            credentials: self.credentials(name)?,
            authorities: self.authorities.clone(),
            hardware: self.hardware.clone(),
        }));
        Ok(Source { camera: name.to_owned(), footage })
    }

    fn credentials(&self, camera: &str) -> Result<Option<Credentials>> {
        let Some((_, place)) = self.sign_ins.iter().find(|(name, _)| name == camera) else { return Ok(None) };
        let credentials = match place.strip_prefix('$') {
            Some(variable) => Credentials::from_variable(variable),
            None => Credentials::from_file(Path::new(place)),
        };
        credentials.map(Some).with_context(|| format!("signing in to {camera}"))
    }
}
