//! Declaring a camera of a live deployment: its name, a commitment to its address, and the zone in which faces are compared;
//! and the sign that shows the zone.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use domain::{DeploymentId, Zone};
use serde_json::json;
use store::{NewCamera, address_without_sign_in};

use super::super::{Said, Session, text_of};

/// A camera to be declared.
#[derive(clap::Args)]
pub(super) struct DeclaredCamera {
    /// The deployment.
    deployment: String,
    /// What the camera is called, on the record and on every screen.
    #[arg(long)]
    camera: String,
    #[command(flatten)]
    whereabouts: Whereabouts,
    #[command(flatten)]
    compared: Compared,
    /// Compare no smaller face at this camera than one of so many pixels; the policy's own limit holds in any case.
    #[arg(long, value_name = "PIXELS")]
    face_side_px_min: Option<u32>,
}

/// Where it is. The record gets a salted commitment to the address; the address is published and kept nowhere.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Whereabouts {
    /// Its address, such as rtsp://192.0.2.1/1, with no name and password in it: a command stands in the shell's history.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// A file that holds its address in one line. What signs in (name:password@) is no part of the commitment.
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

/// Where in its view faces are compared.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Compared {
    /// The recognition zone: polygons with "; " between them, corners as x,y in thousandths of width and height, such as
    /// "0,400 1000,400 1000,1000 0,1000".
    #[arg(long)]
    zone: Option<Zone>,
    /// All that the camera sees.
    #[arg(long)]
    whole_view: bool,
}

pub(super) fn declare(session: &mut Session, declared: DeclaredCamera) -> Result<Said> {
    let address = declared.whereabouts.read(|file| session.file(file))?;
    let zone = declared.compared.zone.unwrap_or_else(Zone::whole_view);
    let DeclaredCamera { deployment, camera, face_side_px_min, .. } = declared;
    let announced = session.deployment(&deployment)?.expect_announced()?;
    let officer = session.officer()?;
    let new = NewCamera { name: &camera, address: &address, zone: zone.clone(), face_side_px_min };
    session.store.declare_camera(&announced, &officer, new, session.now)?;
    let id = announced.plan().deployment.clone();
    let committed = session.store.camera_commitment(&id, &camera, &address)?;
    let commitment = committed.context("the camera is declared, but its salt cannot be read")?;
    let address = address_without_sign_in(&address);
    let text = format!(
        "{deployment}: camera {camera} is declared, with the zone {zone}\ncommitted to {address} as {commitment}\nThe record holds the name, the zone and the commitment; its salt is kept here, and the address nowhere."
    );
    let json = json!({
        "deployment": deployment, "camera": camera, "zone": zone.to_string(), "face_side_px_min": face_side_px_min,
        "committed_address": address, "source_commitment": commitment,
    });
    Ok(Said::new(text, json))
}

/// A sign to be drawn.
#[derive(clap::Args)]
pub(super) struct DrawnZone {
    /// The deployment.
    deployment: String,
    /// The camera, as it was declared.
    #[arg(long)]
    camera: String,
    /// A new file for the drawing; standard output when absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn draw(session: &Session, drawn: &DrawnZone) -> Result<Said> {
    let DrawnZone { deployment, camera, out } = drawn;
    let id = DeploymentId::new(deployment)?;
    let sign = web::zone_sign(id.as_str(), camera, &session.store.entries(Some(&id))?)?;
    let sign = sign.with_context(|| {
        format!("drawing the zone of camera {camera}: the record declares no such camera for {id}; see its public page for those it does")
    })?;
    let Some(out) = out else { return Ok(Said::picture(sign.as_bytes())) };
    // A new file: whoever asks may be another process, and nothing of anybody's is to be overwritten for it.
    let written = std::fs::File::create_new(session.place(out)).and_then(|mut file| file.write_all(sign.as_bytes()));
    written.with_context(|| format!("writing the sign to {}; name a file that is not there yet", out.display()))?;
    let text = format!("{deployment}: the zone of camera {camera} is drawn in {}, a sheet of A4", out.display());
    Ok(Said::new(text, json!({ "deployment": deployment, "camera": camera, "file": out })))
}

impl Whereabouts {
    /// `seen` is where a file lies that somebody names.
    fn read(&self, seen: impl FnOnce(&Path) -> Result<PathBuf>) -> Result<String> {
        let address = match (&self.address, &self.address_file) {
            (Some(address), _) => {
                ensure!(
                    address_without_sign_in(address) == *address,
                    "declaring a camera: the address on the command line holds what signs in to it; put the address into a file and name that with --address-file"
                );
                address.clone()
            }
            (None, Some(file)) => text_of(&seen(file)?)?.trim().to_owned(),
            (None, None) => String::new(),
        };
        let fit = !address.is_empty() && !address.contains(|sign: char| sign.is_control() || sign.is_whitespace());
        ensure!(
            fit,
            "declaring a camera: its address is empty, or holds space or more than one line; give one address"
        );
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Whereabouts {
        Whereabouts { address: Some(address.into()), address_file: None }
    }

    #[test]
    fn what_signs_in_is_taken_from_a_file_and_not_from_the_command_line() {
        assert_eq!(at("rtsp://192.0.2.1/1").read(|file| Ok(file.to_owned())).unwrap(), "rtsp://192.0.2.1/1");
        let refused = at("rtsp://me:secret@192.0.2.1/1").read(|file| Ok(file.to_owned())).unwrap_err().to_string();
        assert!(refused.contains("--address-file") && !refused.contains("secret"), "{refused}");
        for unfit in ["", "rtsp://192.0.2.1/a b", "rtsp://192.0.2.1/1\n/dev/video0"] {
            assert!(at(unfit).read(|file| Ok(file.to_owned())).is_err(), "{unfit:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        std::fs::write(&file, "rtsp://me:secret@192.0.2.1/1\n").unwrap();
        let read = Whereabouts { address: None, address_file: Some(file) }.read(|file| Ok(file.to_owned())).unwrap();
        assert_eq!(address_without_sign_in(&read), "rtsp://192.0.2.1/1");
    }
}
