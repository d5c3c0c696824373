//! A small camera that sends JPEGs over HTTP, as many do, and may ask for a name and password.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A running camera; it ends with the test.
pub(crate) struct Server {
    port: u16,
}

impl Server {
    /// With a password it wants `gate:PASSWORD` (basic).
    pub(crate) fn start(password: Option<&str>) -> Self {
        Self::start_at_pace(password, Duration::from_millis(20))
    }

    /// One that pauses so long after each picture.
    pub(crate) fn start_at_pace(password: Option<&str>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let expected = password.map(|password| format!("authorization: basic {}", base64(&format!("gate:{password}"))));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let expected = expected.clone();
                // A client that hangs up ends its own thread only.
                thread::spawn(move || drop(serve(client, expected.as_deref(), pause)));
            }
        });
        Self { port }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/video.mjpg", self.port)
    }
}

fn serve(mut client: TcpStream, expected: Option<&str>, pause: Duration) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut allowed = expected.is_none();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let line = line.trim();
        allowed |= expected.is_some_and(|expected| {
            let cut = "authorization: basic ".len();
            line.get(..cut).is_some_and(|name| name.eq_ignore_ascii_case(&expected[..cut]))
                && line[cut..] == expected[cut..]
        });
    }
    if !allowed {
        let refusal =
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"camera\"\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes());
    }
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")?;
    for number in 0_u64.. {
        let jpeg = picture(number as u8);
        write!(client, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len())?;
        client.write_all(&jpeg)?;
        client.write_all(b"\r\n")?;
        thread::park_timeout(pause);
    }
    Ok(())
}

pub(crate) fn picture(shade: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([shade, (4 * x) as u8, (5 * y) as u8]));
    let mut jpeg = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut jpeg, image::ImageFormat::Jpeg).expect("a JPEG");
    jpeg.into_inner()
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= three.len() { letter.into() } else { '=' });
        }
    }
    out
}
