//! What a real recogniser leaves in this process's memory of a face that has been dropped: after `forget`, nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use face::align::Chip;
use face::bundle::OpenOptions;
use face::engine::EngineKind;
use face::{Bundle, Faces};

/// As in the binary: what is freed is overwritten, as far as it is Rust's.
#[global_allocator]
static ALLOCATOR: face::process::WipingAllocator = face::process::WipingAllocator;

/// Values in a row that count as a remnant of a template: one in 2^512 by chance.
const REMNANT_VALUES: usize = 16;
/// Hides the values that are looked for from the search itself.
const MASK: u32 = 0x5ca1_ab1e;

/// A chip with some structure; no picture of anybody is needed to find what was made of it.
fn chip(side: u32) -> Chip {
    let value = |at: u32| (at.wrapping_mul(2_654_435_761) >> 23) as u8;
    Chip::from_rgb(side, (0..3 * side * side).map(value).collect()).expect("a whole chip")
}

/// How often a run of the hidden values stands in the writable memory of this process.
fn remnants(hidden: &[u32]) -> usize {
    let memory = File::open("/proc/self/mem").expect("Linux has it");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let mut found = 0;
    let mut bytes = vec![0_u8; 1 << 20];
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [from, to] = [from, to].map(|place| u64::from_str_radix(place, 16).expect("an address"));
        let own = bytes.as_ptr() as u64..bytes.as_ptr() as u64 + bytes.len() as u64;
        // Pieces overlap, so that a run on the edge of two is seen; the buffer itself holds what was just read.
        for start in (from..to).step_by(bytes.len() - 4 * REMNANT_VALUES) {
            if own.contains(&start) || own.contains(&(start + bytes.len() as u64)) {
                continue;
            }
            let length = bytes.len().min((to - start) as usize);
            let Ok(read) = memory.read_at(&mut bytes[..length], start) else { continue };
            let words =
                bytes[..read].chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
            let words: Vec<u32> = words.map(|word| word ^ MASK).collect();
            found += words.windows(REMNANT_VALUES).filter(|run| *run == &hidden[..REMNANT_VALUES]).count();
        }
    }
    bytes.fill(0);
    found
}

/// Makes a template, hides its values, and drops it.
fn embedded(faces: &mut Faces, chip: &Chip) -> Vec<u32> {
    let templates = faces.recognizer.embed(std::slice::from_ref(chip)).expect("a template");
    templates[0].values().iter().map(|value| value.to_bits() ^ MASK).collect()
}

#[test]
fn a_template_that_was_dropped_is_nowhere_once_it_is_forgotten() {
    for engine in [EngineKind::OnnxRuntime, EngineKind::BuiltIn] {
        let options = OpenOptions { engine: Some(engine), ..OpenOptions::usual().expect("a home") };
        let mut faces = match Bundle::open("open", &options) {
            Ok(faces) => faces,
            Err(reason) => {
                println!("skipped: {engine:?} ({reason})");
                continue;
            }
        };
        let side = faces.recognizer.contract().alignment.split('-').nth(1).and_then(|text| text.split(' ').next());
        let chip = chip(side.and_then(|side| side.parse().ok()).expect("dlib-150 or arcface-112"));
        let held = faces.recognizer.embed(std::slice::from_ref(&chip)).expect("a template");
        let hidden: Vec<u32> = held[0].values().iter().map(|value| value.to_bits() ^ MASK).collect();
        assert!(remnants(&hidden) > 0, "{engine:?}: the search finds a template that is held");
        drop(held);
        let again = embedded(&mut faces, &chip);
        assert_eq!(again, hidden);
        println!("{engine:?}: {} remnants before it is forgotten", remnants(&hidden));
        faces.recognizer.forget().expect("it forgets");
        assert_eq!(remnants(&hidden), 0, "{engine:?}: after it is forgotten");
    }
}
