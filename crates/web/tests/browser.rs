//! The control room in a real browser: what a person sees, what the keyboard does, and that nothing is blocked or blank.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod drawn;

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::http::Method;
use capture::Pace;
use domain::{Clock, Judgement};
use drawn::{Drawn, Pass};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use store::AlertState;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::{ParseError, Url};

/// A phone's width in CSS pixels, the narrowest that is promised to work.
const PHONE_WIDTH_PX: u32 = 360;
const PATIENCE: Duration = Duration::from_secs(60);
/// True once every picture of the page has been decoded.
const PICTURES_ARE_SHOWN: &str = "const pictures = [...document.querySelectorAll('#alert-list img')];
     return pictures.length > 0 && pictures.every(picture => picture.complete && picture.naturalWidth > 0)";
/// Whether anything reaches beyond the right edge of the window.
const IS_TOO_WIDE: &str = "return document.documentElement.scrollWidth > window.innerWidth";

/// The computer's own time: a browser waits in real time too.
struct WallClock;

impl Clock for WallClock {
    #[allow(clippy::disallowed_methods, reason = "a clock is where the time is read")]
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// A browser.
struct Browser {
    client: Client,
    _driver: Driver,
}

/// What steers a browser; the browser ends with it.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    /// `None`, and a line that says so, where no browser or no driver is installed.
    async fn open(what: &str) -> Option<Self> {
        let command = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(driver) = command else {
            println!("skipped: {what} (no chromedriver; on Debian it is in chromium-driver)");
            return None;
        };
        let mut driver = Driver(driver);
        let output = BufReader::new(driver.0.stdout.take().expect("piped"));
        let mut lines = output.lines().map_while(Result::ok);
        let started = lines.find(|line| line.contains("started successfully")).expect("chromedriver starts");
        let port = started.rsplit(' ').next().expect("a last word").trim_end_matches('.');
        // Without a sandbox of its own: in a container there is no right to make one, and the pages are ours.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            // The page with moving pictures never finishes loading.
            "pageLoadStrategy": "eager",
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object was written above") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser");
        Some(Self { client, _driver: driver })
    }

    /// Ends the browser in order; one whose test failed ends when its driver is gone.
    async fn close(self) {
        self.client.close().await.expect("the browser closes");
    }

    async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    async fn wait_until_true(&self, script: &str, what: &str) {
        wait(what, async || self.ask(script).await == Value::Bool(true)).await;
    }

    async fn find(&self, css: &str) -> Element {
        self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await.expect(css)
    }

    async fn press(&self, keys: &str) {
        self.client.active_element().await.expect("a focus").send_keys(keys).await.expect("keys");
    }
}

async fn wait(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

/// Serves the screens of an exercise while `visit` looks at them.
async fn visited<F: Future<Output = ()>>(drawn: &Drawn, visit: impl FnOnce(String) -> F) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (close, closed) = oneshot::channel::<()>();
    let screens = drawn.screens();
    let server = tokio::spawn(async move { web::serve(listener, screens, async { drop(closed.await) }).await });
    visit(format!("http://{address}")).await;
    drop(close);
    server.await.expect("the server ends").expect("served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_comes_by_itself_and_the_keyboard_judges_it() {
    let Some(browser) = Browser::open("the control room in a browser").await else { return };
    let pass = |head, frame| Pass { head, frame, y: 60 + 30 * head as i64 };
    let drawn = Drawn::start(&[pass(0, 0), pass(2, 2)], 300, Pace::RealTime, std::sync::Arc::new(WallClock));
    visited(&drawn, async |address| {
        browser.client.goto(&format!("{address}/control-room")).await.expect("the control room");
        browser.find("html.scripted").await;
        let moving = "return document.querySelector('img.live-picture').naturalWidth > 0";
        browser.wait_until_true(moving, "the masked picture is shown").await;

        // Nothing is reloaded: the alert comes to the page.
        browser.find("article.alert.waiting").await;
        browser.ask("document.querySelector('article.alert.waiting').scrollIntoView()").await;
        browser.wait_until_true(PICTURES_ARE_SHOWN, "both pictures of the alert are shown").await;
        let said = browser.find("#announcement").await.text().await.expect("text");
        assert!(said.starts_with("New alert."), "a screen reader is told: {said:?}");

        browser.ask("document.querySelector('article.alert.waiting').focus()").await;
        browser.press("2").await;
        browser.find("article.alert.judged").await;
        let judgements: Vec<_> = {
            let store = drawn.store.lock().expect("the store");
            let rows = store.alerts(&drawn.screens().deployment).expect("alerts");
            rows.into_iter()
                .map(|row| match row.alert {
                    AlertState::Adjudicated(adjudicated) => adjudicated.judgement,
                    other => panic!("not judged: {other:?}"),
                })
                .collect()
        };
        assert_eq!(judgements, [Judgement::NotThisPerson]);

        browser.find("#reason").await.send_keys("the test is over").await.expect("keys");
        browser.press(&char::from(Key::Enter).to_string()).await;
        browser.find("input[name=understood]").await;
        nothing_was_blocked(&browser).await;
    })
    .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_a_phone_and_names_what_can_be_pressed() {
    let Some(browser) = Browser::open("the pages on a phone").await else { return };
    let pass = |head, frame| Pass { head, frame, y: 50 + 30 * head as i64 };
    let drawn = Drawn::start(&[pass(0, 0), pass(2, 4)], 30, Pace::AsFastAsConsumed, std::sync::Arc::new(WallClock));
    drawn.running.wait();
    visited(&drawn, async |address| {
        browser.client.set_window_size(PHONE_WIDTH_PX, 740).await.expect("a size");
        let deployment = format!("/deployments/{}", drawn::DEPLOYMENT);
        for path in ["/control-room", "/deployments", &deployment, "/nowhere"] {
            browser.client.goto(&format!("{address}{path}")).await.expect(path);
            assert_eq!(browser.ask(IS_TOO_WIDE).await, Value::Bool(false), "{path} is too wide for a phone");
            let unnamed = browser
                .ask(
                    "return [...document.querySelectorAll('a, button, input:not([type=hidden]), img')]
                       .filter(e => e.tagName === 'IMG' ? !e.hasAttribute('alt')
                         : e.tagName === 'INPUT' ? e.labels.length === 0 : e.textContent.trim() === '')
                       .map(e => e.outerHTML)",
                )
                .await;
            assert_eq!(unnamed, json!([]), "{path}: nothing can be pressed or seen that has no name");
            // The first key leads past the heading to what the page is for.
            browser.client.find(Locator::Css("body")).await.expect("a body");
            browser.press(&char::from(Key::Tab).to_string()).await;
            let first = browser.ask("return document.activeElement.className").await;
            assert_eq!(first, json!("skip"), "{path}");
        }
        browser.client.goto(&format!("{address}/control-room")).await.expect("the control room");
        browser.find("article.alert.waiting").await;
        browser.ask("document.querySelector('article.alert').scrollIntoView()").await;
        browser.wait_until_true(PICTURES_ARE_SHOWN, "the pictures of an alert that was there before").await;
        nothing_was_blocked(&browser).await;
    })
    .await;
    browser.close().await;
}

/// The content security policy blocked nothing and no script failed. A page that is not there is answered so on purpose.
async fn nothing_was_blocked(browser: &Browser) {
    let said = browser.client.issue_cmd(Console).await.expect("what the browser said");
    let said = said.as_array().expect("a list");
    let bad: Vec<&Value> = said.iter().filter(|line| !line["message"].to_string().contains("/nowhere")).collect();
    assert!(bad.is_empty(), "the browser complained: {bad:#?}");
}

/// What the browser wrote on its console since it was last asked; a command of chromedriver's own.
#[derive(Debug)]
struct Console;

impl WebDriverCompatibleCommand for Console {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
