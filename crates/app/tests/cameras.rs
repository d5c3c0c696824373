//! What the commands say of cameras before one is opened, with the real binary: missing hardware, and the sign of a zone.

use std::path::Path;
use std::process::{Command, Output};

fn overt(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overt"));
    command.args(arguments).arg("--data").arg(data).current_dir(data.parent().expect("a folder"));
    command.output().expect("it runs")
}

fn does(data: &Path, arguments: &[&str]) -> String {
    let output = overt(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_run_with_hardware_that_is_not_here_is_refused_in_words_before_it_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("none");
    let run = ["deployment", "run", "l-1", "--camera", "gate-1=rtsp://192.0.2.1/1", "--as", "op-1", "--hardware"];
    for (name, words) in [("no_such_thing", "know no hardware called no_such_thing"), ("vdpau", "can not be used here")]
    {
        #[cfg(all(feature = "video", target_os = "linux"))]
        if name == "vdpau" && capture::check_hardware(name).is_ok() {
            continue; // A desktop that has it.
        }
        let refused = overt(&data, &[&run[..], &[name]].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(words) && said.contains("leave it out"), "{said}");
        assert!(!data.exists(), "nothing was looked at or made for it");
    }
    let clip = ["deployment", "run", "e-1", "--recording", "gate-1=clip.mp4", "--hardware", "vaapi", "--as", "op-1"];
    assert!(!overt(&data, &clip).status.success(), "hardware is for cameras");
}

/// A live deployment in a laboratory, up to its declared camera, whose sign is drawn.
#[test]
fn the_zone_of_a_declared_camera_is_drawn_as_a_sign() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("lab");
    let paper = folder.path().join("paper.txt");
    std::fs::write(&paper, "Cameras at the gates of a laboratory.\n").expect("writes");
    let paper = paper.to_str().expect("a plain path");
    let created = Command::new(env!("CARGO_BIN_EXE_overt"))
        .args(["create", data.to_str().expect("a plain path"), "--log-name", "record.example/laboratory"])
        .args(["--shipped", "laboratory", "--authorising-officer", "ao-1", "--administrator", "admin-1"])
        .output()
        .expect("it runs");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    does(&data, &["staff", "enrol", "pr-1", "--role", "proposer", "--as", "admin-1"]);
    does(&data, &["staff", "enrol", "op-1", "--role", "operator", "--as", "admin-1"]);
    let open = ["operation", "open", "gates", "--title", "Gates", "--force", "Nobody", "--purpose", "To draw."];
    does(&data, &[&open[..], &["--as", "ao-1"]].concat());
    let propose = ["deployment", "propose", "l-1", "--operation", "gates", "--kind", "live", "--place", "laboratory"];
    let ground = ["--place-evidence", paper, "--place-ground", "a room that the public does not enter"];
    let when = ["--starts", "2999-11-22T16:02:04Z", "--ends", "2999-11-22T17:02:04Z", "--as", "pr-1"];
    does(&data, &[&propose[..], &ground, &["--purpose", "measurement of speed"], &when].concat());
    let slot = "consents or licences of everybody shown";
    does(&data, &["deployment", "document", "l-1", "--slot", slot, "--file", paper, "--as", "pr-1"]);
    does(&data, &["deployment", "approve", "l-1", "--as", "ao-1"]);
    does(&data, &["deployment", "announce", "l-1", "--notice", paper, "--as", "ao-1"]);
    let declare = ["deployment", "declare-camera", "l-1", "--camera", "gate & yard", "--address", "rtsp://192.0.2.1/1"];
    does(&data, &[&declare[..], &["--zone", "0,150 1000,150 1000,1000 0,1000", "--as", "op-1"]].concat());

    let draw = ["deployment", "draw-zone", "l-1", "--camera", "gate & yard"];
    let sign = does(&data, &draw);
    assert!(sign.starts_with("<svg ") && sign.trim_end().ends_with("</svg>"), "{sign}");
    assert!(sign.contains("Camera gate &#38; yard</text>") && sign.contains("0.0,135.0 1600.0,135.0"), "{sign}");
    assert!(!sign.contains("192.0.2.1"), "where the camera is stands nowhere");
    let to_file = [&draw[..], &["--out", "sign.svg"]].concat();
    assert!(does(&data, &to_file).contains("sign.svg"));
    let written = std::fs::read_to_string(folder.path().join("sign.svg")).expect("it is there");
    assert_eq!(written, sign);
    assert!(!overt(&data, &to_file).status.success(), "what is there is not overwritten");
    let other = overt(&data, &["deployment", "draw-zone", "l-1", "--camera", "gate-9"]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success() && said.contains("declares no such camera"), "{said}");
}
