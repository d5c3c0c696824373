//! `overt complaint`: what somebody who was stopped, or feared to be, has to say, and what they are answered.

use std::path::PathBuf;

use anyhow::Result;
use domain::DeploymentId;
use domain::complaint::{Complaint, Finding};
use domain::identifiers::ComplaintId;
use serde_json::{Value, json};
use store::ComplaintAbout;

use super::{At, Said, Session, one_of, text_of};

/// Arguments of `overt complaint`.
#[derive(clap::Args)]
pub(crate) struct ComplaintArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: ComplaintCommand,
}

#[derive(clap::Subcommand)]
enum ComplaintCommand {
    /// List the complaints, without their words.
    List,
    /// Take a complaint in. Its words are sealed.
    Receive {
        /// The words of the complaint, a text.
        #[arg(long, value_name = "FILE")]
        text: PathBuf,
        /// The code of an alert receipt.
        #[arg(long)]
        receipt: Option<String>,
        /// Without a receipt: the deployment, where it is known.
        #[arg(long, conflicts_with = "receipt")]
        deployment: Option<String>,
    },
    /// Open the words of a complaint.
    Read {
        /// The complaint.
        complaint: String,
    },
    /// Answer a complaint.
    Answer {
        /// The complaint.
        complaint: String,
        /// `upheld` or `not upheld`.
        #[arg(long)]
        finding: String,
        /// The answer, a text.
        #[arg(long, value_name = "FILE")]
        text: PathBuf,
    },
}

/// Runs one of them.
pub(crate) fn act(args: ComplaintArgs, session: &mut Session<'_>) -> Result<Said> {
    use ComplaintCommand as C;
    let now = session.now;
    match args.command {
        C::List => {
            let complaints = session.store.complaints()?;
            let text = complaints.iter().map(|complaint| words(complaint)).collect::<Vec<_>>().join("\n");
            Ok(Said::new(text, complaints.iter().map(|complaint| data(complaint)).collect()))
        }
        C::Receive { text, receipt, deployment } => {
            let deployment = deployment.as_deref().map(DeploymentId::new).transpose()?;
            let about = receipt.as_deref().map_or(ComplaintAbout::PlaceAndTime(deployment), ComplaintAbout::Receipt);
            let officer = session.officer()?;
            let complaint = session.store.receive_complaint(about, &text_of(&session.file(&text)?)?, &officer, now)?;
            Ok(Said::new(words(&complaint), data(&complaint)))
        }
        C::Read { complaint } => {
            let opened = session.store.complaint_words(&ComplaintId::new(&complaint)?, &session.officer()?, now)?;
            let answer = opened.answer.as_ref().map(|answer| answer.as_str());
            let text = format!("{}\n\nanswer: {}", opened.text.as_str(), answer.unwrap_or("none yet"));
            let alert = opened.alert.as_ref().map(ToString::to_string);
            Ok(Said::new(
                text,
                json!({ "complaint": complaint, "text": opened.text.as_str(), "answer": answer, "alert": alert }),
            ))
        }
        C::Answer { complaint, finding, text } => {
            let finding = one_of("finding", &finding, Finding::from_word(&finding), &Finding::ALL.map(Finding::word))?;
            let (officer, answer) = (session.officer()?, text_of(&session.file(&text)?)?);
            let answered =
                session.store.answer_complaint(&ComplaintId::new(&complaint)?, finding, &answer, &officer, now)?;
            Ok(Said::new(words(&answered), data(&answered)))
        }
    }
}

fn words(complaint: &Complaint) -> String {
    let finding = complaint.finding().map_or("not answered yet", Finding::word);
    format!("{}: received {}, {finding}", complaint.complaint(), complaint.received())
}

fn data(complaint: &Complaint) -> Value {
    json!({
        "complaint": complaint.complaint().to_string(), "received": complaint.received().to_string(),
        "finding": complaint.finding().map(Finding::word),
    })
}
