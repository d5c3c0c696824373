//! What the program tells on standard error: nothing but what failed unless it is asked, lines of ours when it is.

use std::process::{Command, Output};

/// Makes a data directory, asked for these lines in this format.
fn create(folder: &std::path::Path, name: &str, asked: &[(&str, &str)]) -> Output {
    let words = ["--log-name", "record.example/lines", "--shipped", "exercise", "--authorising-officer", "ao-1"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_overt"));
    command.env_remove("OVERT_LOG").env_remove("OVERT_LOG_FORMAT").envs(asked.iter().copied());
    command.arg("create").arg(folder.join(name)).args(words).args(["--administrator", "admin-1"]);
    command.output().expect("it runs")
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn lines_come_when_they_are_asked_for_and_only_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let create = |name, asked: &[(&str, &str)]| create(folder.path(), name, asked);
    assert_eq!(told(&create("usual", &[])), "");
    let lines = told(&create("trace", &[("OVERT_LOG", "trace")]));
    assert!(lines.contains("INFO overt::store: record published entries="), "{lines}");
    assert!(lines.lines().all(|line| line.contains(" overt::")), "{lines}");
    assert!(!lines.contains("ao-1") && !lines.contains("admin-1"), "nobody is named: {lines}");
    assert_eq!(told(&create("other", &[("OVERT_LOG", "overt::web=trace")])), "");
}

#[test]
fn lines_can_be_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = told(&create(folder.path(), "json", &[("OVERT_LOG", "info"), ("OVERT_LOG_FORMAT", "json")]));
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let published = lines.iter().find(|line| line["fields"]["message"] == "record published").expect("it is told");
    assert_eq!((&published["level"], &published["target"]), (&"INFO".into(), &"overt::store".into()));
    assert!(published["fields"]["entries"].as_u64().is_some_and(|entries| entries > 0), "{published}");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (variable, value) in [("OVERT_LOG", "overt::web=loud"), ("OVERT_LOG_FORMAT", "xml")] {
        let output = create(folder.path(), "refused", &[(variable, value)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(variable), "{output:?}");
        assert!(!folder.path().join("refused").exists(), "nothing was done");
    }
}
