//! Renders some frames of the concourse as PNG files, to look at: `concourse_png OUT_DIR SPRITES.txt FRAME…`.
//!
//! Each line of SPRITES.txt is `PICTURE LEFT TOP WIDTH HEIGHT`, the face box of one person in one picture. Without
//! frames it prints the truth and how fast frames are rendered.

use std::error::Error;
use std::path::Path;

use capture::concourse::{Rect, Script, Sprite, WalkThrough};
use capture::{Concourse, FrameSource};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, list, frames @ ..] = arguments.as_slice() else {
        return Err("usage: concourse_png OUT_DIR SPRITES.txt FRAME…".into());
    };
    let sprites = sprites(Path::new(list))?;
    let script = Script::walk_through(sprites.len(), 1, &WalkThrough::default());
    let (width, height) = (script.width, script.height);
    let mut concourse = Concourse::new(sprites, script, 1)?;
    if frames.is_empty() {
        return measure(&mut concourse);
    }
    for frame in frames {
        let mut pixels = vec![0; 3 * width as usize * height as usize];
        concourse.render(frame.parse()?, &mut pixels)?;
        let path = Path::new(folder).join(format!("{frame}.png"));
        image::save_buffer(&path, &pixels, width, height, image::ExtendedColorType::Rgb8)?;
    }
    Ok(())
}

fn sprites(list: &Path) -> Result<Vec<Sprite>, Box<dyn Error>> {
    let mut sprites = Vec::new();
    for line in std::fs::read_to_string(list)?.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [picture, left, top, width, height] = words.as_slice() else {
            return Err(format!("{line}: expected PICTURE LEFT TOP WIDTH HEIGHT").into());
        };
        let face = Rect { left: left.parse()?, top: top.parse()?, width: width.parse()?, height: height.parse()? };
        let picture = image::open(picture)?.to_rgb8();
        sprites.push(Sprite::cut(picture.width(), picture.height(), picture.as_raw(), face)?);
    }
    Ok(sprites)
}

#[allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and prints")]
fn measure(concourse: &mut Concourse) -> Result<(), Box<dyn Error>> {
    for passage in concourse.truth().passages() {
        println!("{passage:?}");
    }
    let start = std::time::Instant::now();
    let mut frames = 0_u32;
    while let Some(frame) = concourse.next_frame()? {
        concourse.reuse(frame.into_spare());
        frames += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{frames} frames in {seconds:.2} s: {:.0} a second", f64::from(frames) / seconds);
    Ok(())
}
