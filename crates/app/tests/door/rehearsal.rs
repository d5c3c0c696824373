//! A small rehearsal with the real binary: portraits that the demonstration uses, in a folder of pictures, one each second.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{RgbImage, imageops};
use serde_json::Value;

/// Pictures of the recording, so seconds of it.
const PICTURES: u32 = 180;
/// Somebody is in view in the first so many of every dozen.
const IN_VIEW: u32 = 8;
/// Commands that are given until something is so.
const TRIES_MAX: u32 = 20_000;

/// A data directory with its officers, a recording and a list.
pub(crate) struct Rehearsal {
    folder: tempfile::TempDir,
}

impl Rehearsal {
    /// Makes it; nothing, and a line that says so, where models or portraits are missing.
    pub(crate) fn new() -> Option<Self> {
        let models = face::models::directory().expect("this user has a data directory");
        let portraits = models.join("pictures/portraits");
        let there = models.join("dlib_face_recognition_resnet_model_v1.dat").is_file();
        if !there || !portraits.join("subject-b-1.jpg").is_file() {
            println!("skipped: the models or portraits of `overt demo` are not installed");
            return None;
        }
        let rehearsal = Self { folder: tempfile::tempdir().expect("a folder") };
        rehearsal.draw(&portraits);
        let data = rehearsal.data();
        let create = ["create", data.to_str().expect("text"), "--log-name", "record.example/rehearsal", "--shipped"];
        let mut command = rehearsal.plain(&[&create[..], &["exercise", "--authorising-officer", "ao-1"]].concat());
        let create = command.args(["--administrator", "admin-1"]).output().expect("it runs");
        assert!(create.status.success(), "{}", said(&create));
        for (officer, role) in [
            ("pr-1", "proposer"),
            ("wo-1", "watchlist officer"),
            ("op-1", "operator"),
            ("dp-1", "data-protection officer"),
        ] {
            rehearsal.does(&["staff", "enrol", officer, "--role", role, "--as", "admin-1"]);
        }
        let open = ["operation", "open", "rehearsal", "--title", "Rehearsal", "--force", "Nobody", "--purpose"];
        rehearsal.does(&[&open[..], &["To rehearse.", "--as", "ao-1"]].concat());
        Some(rehearsal)
    }

    fn draw(&self, portraits: &Path) {
        let read = |name: &str| image::open(portraits.join(name)).expect("a portrait").to_rgb8();
        let seen = imageops::resize(&read("subject-b-1.jpg"), 480, 600, imageops::FilterType::Triangle);
        std::fs::create_dir(self.inputs()).expect("a folder");
        std::fs::create_dir(self.inputs().join("clip")).expect("a folder");
        for number in 0..PICTURES {
            let mut picture = RgbImage::from_pixel(960, 640, image::Rgb([120, 124, 130]));
            if number % 12 < IN_VIEW {
                imageops::overlay(&mut picture, &seen, i64::from(100 + 4 * (number % 12)), 30);
            }
            picture.save(self.inputs().join(format!("clip/{number:03}.jpg"))).expect("saved");
        }
        for name in ["subject-a-1.jpg", "subject-b-1.jpg"] {
            std::fs::copy(portraits.join(name), self.inputs().join(name)).expect("copied");
        }
        let heading =
            "reference,label,image,ground,image_source,supplier,legal_basis,image_date,retention,born,protected,share";
        let row = |reference: &str, label: &str, image: &str| {
            format!(
                "{reference},{label},{image},exercise subject,a book,the publisher,published,2012-12-06,retained,1961,,"
            )
        };
        let rows = [row("ex-0001", "subject b", "subject-b-1.jpg"), row("ex-0002", "subject a", "subject-a-1.jpg")];
        self.write("rows.csv", &format!("{heading}\n{}\n", rows.join("\n")));
        self.write("words.txt", "They looked at me for long.");
        self.write("notice.txt", "A rehearsal.");
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.inputs().join(name), text).expect("written");
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where recording, list and texts lie; every command is given there.
    pub(crate) fn inputs(&self) -> PathBuf {
        self.folder.path().join("inputs")
    }

    fn plain<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_overt"));
        command.args(words).current_dir(self.inputs()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A command on the data directory.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.plain(words);
        command.arg("--data").arg(self.data());
        command
    }

    /// Gives a command.
    pub(crate) fn try_to(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    /// Gives a command that is done, and gives what it says.
    pub(crate) fn does(&self, words: &[&str]) -> String {
        let output = self.try_to(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Gives a command that answers in JSON.
    pub(crate) fn asks(&self, words: &[&str]) -> Value {
        let words = [words, &["--json"]].concat();
        serde_json::from_str(&self.does(&words)).expect("JSON")
    }

    /// Takes a deployment as far as its declared recording.
    pub(crate) fn prepare(&self, d: &str) {
        let (starts, ends) = (self.now(0), self.now(60));
        let propose =
            ["deployment", "propose", d, "--operation", "rehearsal", "--place", "no place", "--place-evidence"];
        let terms = ["--starts", &starts, "--ends", &ends, "--purpose", "measurement", "--place-ground"];
        let by = ["notice.txt", "--as", "pr-1"];
        self.does(&[&propose[..], &by, &terms, &["recorded files"]].concat());
        self.does(&["deployment", "approve", d, "--as", "ao-1"]);
        self.does(&["deployment", "announce", d, "--notice", "notice.txt", "--as", "ao-1"]);
        self.does(&["watchlist", "import", d, "--rows", "rows.csv", "--images", ".", "--as", "wo-1"]);
        for flag in self.asks(&["watchlist", "flags", d]).as_array().expect("a list") {
            let (first, second) = (flag["first"].to_string(), flag["second"].to_string());
            self.does(&["watchlist", "acknowledge", d, &first, &second, "--as", "wo-1"]);
        }
        self.does(&["watchlist", "freeze", d, "--as", "wo-1"]);
        self.does(&["watchlist", "seed", d, "--pair", "1:2", "--as", "wo-1"]);
        let page = ["--route", "close the door", "--page", "the public page", "--as", "op-1"];
        self.does(&[&["deployment", "confirm-signs", d, "--signs", "1"][..], &page].concat());
        self.does(&["deployment", "declare", d, "--camera", "c1", "--recording", "clip", "--as", "op-1"]);
    }

    /// Minutes from now, as the options have it: of the machine's clock, which the binary reads too.
    fn now(&self, minutes: u64) -> String {
        let mut date = Command::new("date");
        date.args(["-u", "-d", &format!("{minutes} minutes"), "+%Y-%m-%dT%H:%M:%SZ"]);
        let mut date = date_of(&mut date);
        date.truncate(date.trim_end().len());
        date
    }

    /// Runs it, from the first command that finds it live; the notice has to stand for a while.
    pub(crate) fn run(&self, d: &str, more: &[&str]) -> Child {
        self.run_with(d, &[&["--seed-every-s", "2"], more].concat(), &[])
    }

    /// The same without seeded pairs, and with these variables in its environment. The run may be over already when this sees it.
    pub(crate) fn run_with(&self, d: &str, more: &[&str], variables: &[(&str, &str)]) -> Child {
        let words = ["deployment", "run", d, "--recording", "c1=clip", "--as", "op-1"];
        let words = [&words[..], more].concat();
        for _ in 0..TRIES_MAX {
            let mut child = self.command(&words).envs(variables.iter().copied()).spawn().expect("it starts");
            while child.try_wait().expect("ours").is_none() {
                if self.asks(&["deployment", "show", d])["state"] == "live" {
                    return child;
                }
            }
            if child.try_wait().expect("ours").is_some_and(|status| status.success()) {
                return child;
            }
            let output = child.wait_with_output().expect("ours");
            assert_eq!(output.status.code(), Some(3), "{}", said(&output));
            assert!(said(&output).contains("public notice"), "{}", said(&output));
        }
        panic!("it never runs");
    }

    /// Gives a command again and again, while a run goes on, until what it says will do.
    pub(crate) fn until(&self, run: &mut Child, words: &[&str], will_do: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..TRIES_MAX {
            // Before it is asked: what a run does last is seen as well.
            let over = run.try_wait().expect("ours").is_some();
            let answer = self.asks(words);
            if will_do(&answer) {
                return answer;
            }
            assert!(!over, "the run is over, and {words:?} says {answer}");
        }
        panic!("{words:?} never says it");
    }
}

fn date_of(command: &mut Command) -> String {
    String::from_utf8(command.output().expect("date runs").stdout).expect("text")
}

/// What a command said, on both sides.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
