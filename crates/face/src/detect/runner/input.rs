//! Lays one part of a picture before a detector: scaled, as three planes of numbers, with black around it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x2, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use zeroize::{Zeroize, Zeroizing};

use super::PixelForm;
use super::fill::{ScaledYuv, fill_rgb};
use super::shrink::Blocks;
use crate::detect::passes::Pass;
use crate::picture::{PictureView, RgbView};
use crate::recognise::ChannelOrder;
use crate::yuv::{Chroma, Plane, YuvView};

/// Working memory, used again for every picture and wiped between two.
pub(super) struct Layer {
    form: PixelForm,
    resizer: Resizer,
    /// Scaled rows, one buffer a plane.
    scaled: [Zeroizing<Vec<u8>>; 3],
    /// Sums of rows, while blocks are reduced to their means.
    sums: Zeroizing<Vec<u16>>,
    input: Zeroizing<Vec<f32>>,
}

/// The part of a plane that is read, in that plane's own pixels.
#[derive(Clone, Copy)]
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The three planes of the graph's input, red first, and where the picture lies in them.
pub(super) struct Planes<'a> {
    planes: [&'a mut [f32]; 3],
    width: usize,
    margin: usize,
}

impl Layer {
    pub(super) fn new(form: PixelForm) -> Self {
        let (scaled, sums, input) = (Default::default(), Zeroizing::default(), Zeroizing::default());
        Self { form, resizer: Resizer::new(), scaled, sums, input }
    }

    /// The graph's input for one pass. Whoever takes it calls [`Layer::forget`] afterwards. A failure says what the resizer found.
    pub(super) fn lay(&mut self, picture: PictureView<'_>, pass: &Pass) -> Result<&[f32], String> {
        self.input.resize(3 * pass.input_width as usize * pass.input_height as usize, 0.0);
        Planes::of(&mut self.input, pass, self.form.order).blacken_margins(pass, self.form.number(0.0));
        match picture {
            PictureView::Rgb(view) => self.lay_rgb(view, pass)?,
            PictureView::Yuv(view) => self.lay_yuv(view, pass)?,
        }
        Ok(&self.input)
    }

    /// Lets go of what scaling used, which [`Layer::forget`] does not reach: a process that handles faces overwrites what it frees.
    pub(super) fn let_go(&mut self) {
        self.resizer.reset_internal_buffers();
    }

    /// Bytes that scaling holds of what it read.
    #[cfg(test)]
    pub(super) fn scaling_bytes(&self) -> usize {
        self.resizer.size_of_internal_buffers()
    }

    /// Wipes what was laid: somebody's face may be in it, and the memory is used again.
    pub(super) fn forget(&mut self) {
        let Self { scaled, sums, input, .. } = self;
        scaled.iter_mut().for_each(|plane| wipe(plane, 0));
        wipe(sums, 0);
        wipe(input, 0.0);
    }

    fn lay_rgb(&mut self, view: RgbView<'_>, pass: &Pass) -> Result<(), String> {
        let Self { form, resizer, scaled: [scaled, ..], input, .. } = self;
        let planes = Planes::of(input, pass, form.order);
        let (width, height) = (pass.scaled_width as usize, pass.scaled_height as usize);
        if (pass.scaled_width, pass.scaled_height) == (pass.width, pass.height) {
            let row = |y: usize| &view.row(pass.top + y as u32)[3 * pass.left as usize..][..3 * width];
            fill_rgb(planes, height, row, *form);
            return Ok(());
        }
        let plane = Plane { stride_bytes: view.stride_bytes, bytes: view.pixels };
        scale::<U8x3>(resizer, plane, [view.width, view.height], Part::of(pass, [1, 1]), [width, height], scaled)?;
        fill_rgb(planes, height, |y| &scaled[3 * width * y..][..3 * width], *form);
        Ok(())
    }

    /// Colour, too, is scaled to every pixel: picking it, or sharing it among neighbours, was faster and lost small faces.
    fn lay_yuv(&mut self, view: YuvView<'_>, pass: &Pass) -> Result<(), String> {
        let Self { form, resizer, scaled: [luma, u, v], sums, input } = self;
        let size = [pass.scaled_width as usize, pass.scaled_height as usize];
        let part = Part::of(pass, [1, 1]);
        match part.blocks(size) {
            Some(blocks) => blocks.means(view.luma, sums, [luma]),
            None => scale::<U8>(resizer, view.luma, [view.width, view.height], part, size, luma)?,
        }
        let (across, down) = view.chroma.shared();
        let plane_size = [view.width.div_ceil(across), view.height.div_ceil(down)];
        let part = Part::of(pass, [across, down]).within(plane_size);
        match (view.chroma, part.blocks(size)) {
            (Chroma::Planar { u: blue, v: red, .. }, Some(blocks)) => {
                blocks.means(blue, sums, [u]);
                blocks.means(red, sums, [v]);
            }
            (Chroma::Planar { u: blue, v: red, .. }, None) => {
                scale::<U8>(resizer, blue, plane_size, part, size, u)?;
                scale::<U8>(resizer, red, plane_size, part, size, v)?;
            }
            (Chroma::Interleaved(both), Some(blocks)) => blocks.means(both, sums, [u, v]),
            (Chroma::Interleaved(both), None) => {
                scale::<U8x2>(resizer, both, plane_size, part, size, u)?;
                separate(u, v);
            }
        }
        let colours = view.colours.factors();
        ScaledYuv { size, luma, u, v }.fill(Planes::of(input, pass, form.order), &colours, *form);
        Ok(())
    }
}

/// Overwrites all of it, also where the compiler knows that nobody reads it.
fn wipe<T: Copy>(values: &mut [T], with: T) {
    values.fill(with);
    zeroize::optimization_barrier(values);
}

/// Pairs of values in turn become two runs; what was behind the first run is wiped.
fn separate(both: &mut Zeroizing<Vec<u8>>, seconds: &mut Zeroizing<Vec<u8>>) {
    let count = both.len() / 2;
    seconds.resize(count, 0);
    for (at, second) in seconds.iter_mut().enumerate() {
        *second = both[2 * at + 1];
    }
    for at in 0..count {
        both[at] = both[2 * at];
    }
    both[count..].zeroize();
    both.truncate(count);
}

impl Part {
    /// What a pass reads of a plane in which so many pixels across and down share a value.
    fn of(pass: &Pass, [across, down]: [u32; 2]) -> Self {
        Self {
            left: f64::from(pass.left) / f64::from(across),
            top: f64::from(pass.top) / f64::from(down),
            width: f64::from(pass.width) / f64::from(across),
            height: f64::from(pass.height) / f64::from(down),
        }
    }

    /// The same, no larger than the plane.
    fn within(self, [width, height]: [u32; 2]) -> Self {
        Self {
            width: self.width.min(f64::from(width) - self.left),
            height: self.height.min(f64::from(height) - self.top),
            ..self
        }
    }

    /// How a plane is scaled: by means of boxes where it shrinks (half the work of a wider filter, and detectors find as much).
    fn usual(self, [width, height]: [usize; 2]) -> ResizeAlg {
        let shrinks = self.width >= width as f64 && self.height >= height as f64;
        ResizeAlg::Convolution(if shrinks { FilterType::Box } else { FilterType::Bilinear })
    }

    /// The blocks of which this is made when it is reduced to `size` by a whole number.
    fn blocks(self, size: [usize; 2]) -> Option<Blocks> {
        Blocks::of([self.left, self.top, self.width, self.height], size)
    }
}

impl<'a> Planes<'a> {
    fn of(input: &'a mut [f32], pass: &Pass, order: ChannelOrder) -> Self {
        let (width, height) = (pass.input_width as usize, pass.input_height as usize);
        let (first, rest) = input.split_at_mut(width * height);
        let (second, third) = rest.split_at_mut(width * height);
        let planes = match order {
            ChannelOrder::Rgb => [first, second, third],
            ChannelOrder::Bgr => [third, second, first],
        };
        Self { planes, width, margin: pass.margin_px as usize }
    }

    /// Makes everything around the picture black.
    fn blacken_margins(self, pass: &Pass, black: f32) {
        let (width, height) = (pass.scaled_width as usize, pass.scaled_height as usize);
        for plane in self.planes {
            for (y, row) in plane.chunks_exact_mut(self.width).enumerate() {
                if (self.margin..self.margin + height).contains(&y) {
                    row[..self.margin].fill(black);
                    row[self.margin + width..].fill(black);
                } else {
                    row.fill(black);
                }
            }
        }
    }

    /// One row of each plane where the picture lies.
    pub(super) fn row(&mut self, y: usize, length: usize) -> [&mut [f32]; 3] {
        let start = (y + self.margin) * self.width + self.margin;
        self.planes.each_mut().map(|plane| &mut plane[start..start + length])
    }
}

/// Scales a part of a plane. Rows with gaps are read in place where a gap is made of whole pixels.
fn scale<P: PixelTrait + InnerPixel>(
    resizer: &mut Resizer,
    plane: Plane<'_>,
    [width, height]: [u32; 2],
    part: Part,
    target: [usize; 2],
    scaled: &mut Zeroizing<Vec<u8>>,
) -> Result<(), String> {
    let pixel_bytes = P::size();
    let mut copy = Zeroizing::new(Vec::new());
    let full_rows = plane.bytes.len() >= plane.stride_bytes * height as usize;
    let (bytes, columns) = if plane.stride_bytes.is_multiple_of(pixel_bytes) && full_rows {
        let columns = plane.stride_bytes / pixel_bytes;
        (
            &plane.bytes[..plane.stride_bytes * height as usize],
            u32::try_from(columns).map_err(|error| error.to_string())?,
        )
    } else {
        (0..height).for_each(|y| copy.extend_from_slice(plane.piece(y, 0, pixel_bytes * width as usize)));
        (&copy[..], width)
    };
    // The typed form compiles the pixel types that are used, not all thirteen.
    let source = TypedImageRef::<P>::from_buffer(columns, height, bytes).map_err(|error| error.to_string())?;
    let target_size = target;
    scaled.resize(pixel_bytes * target[0] * target[1], 0);
    let [target_width, target_height] = target.map(|side| side as u32);
    let mut target =
        TypedImage::<P>::from_buffer(target_width, target_height, scaled).map_err(|error| error.to_string())?;
    let options =
        ResizeOptions::new().resize_alg(part.usual(target_size)).crop(part.left, part.top, part.width, part.height);
    resizer.resize_typed(&source, &mut target, &options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::passes::{close_up, plan};
    use crate::detect::{Beyond, InputSize, Options};
    use crate::yuv::{Colours, Matrix, Range};

    const SIZE: [u32; 2] = [192, 96];

    fn options(long_side_max_px: u32, beyond: Beyond) -> Options {
        Options { confidence_min: 0.6, overlap_max: 0.3, long_side_max_px, beyond, input: InputSize::Free }
    }

    /// A smooth picture: brightness rises to the right, colour downwards. Rows are longer than they need to be.
    fn smooth(mut look: impl FnMut(YuvView<'_>)) {
        let [width, height] = SIZE;
        let luma: Vec<u8> = (0..height * 208).map(|at| (30 + (at % 208).min(width - 1)) as u8).collect();
        let chroma = |from: u32| -> Vec<u8> { (0..height / 2 * 104).map(|at| (from + at / 104) as u8).collect() };
        let (u, v) = (chroma(90), chroma(120));
        let both: Vec<u8> = u.iter().zip(&v).flat_map(|(u, v)| [*u, *v]).collect();
        let plane = |stride_bytes, bytes| Plane { stride_bytes, bytes };
        let colours = Colours { matrix: Matrix::Bt709, range: Range::Limited };
        for chroma in [
            Chroma::Planar { u: plane(104, &u), v: plane(104, &v), across: 2, down: 2 },
            Chroma::Interleaved(plane(208, &both)),
        ] {
            look(YuvView::new(width, height, plane(208, &luma), chroma, colours).expect("whole planes"));
        }
    }

    #[test]
    fn a_frame_laid_from_yuv_is_the_same_frame_laid_from_rgb() {
        for order in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
            let form = PixelForm { order, mean: 127.5, scale: 1.0 / 128.0 };
            smooth(|view| {
                let picture = PictureView::Yuv(view).to_rgb();
                for pass in [
                    // By six, by three and by two, which are means of blocks, and by what is no whole number.
                    plan(SIZE[0], SIZE[1], &options(32, Beyond::Reduce)),
                    plan(SIZE[0], SIZE[1], &options(64, Beyond::Reduce)),
                    plan(SIZE[0], SIZE[1], &options(96, Beyond::Tile)),
                    plan(SIZE[0], SIZE[1], &options(160, Beyond::Reduce)),
                    plan(SIZE[0], SIZE[1], &options(640, Beyond::Reduce)),
                ]
                .concat()
                {
                    let (mut one, mut other) = (Layer::new(form), Layer::new(form));
                    let from_yuv = one.lay(view.into(), &pass).expect("laid");
                    let from_rgb = other.lay(picture.view().into(), &pass).expect("laid");
                    assert_eq!(from_yuv.len(), from_rgb.len());
                    let worst = from_yuv.iter().zip(from_rgb.iter()).map(|(a, b)| (*a - *b).abs()).fold(0.0, f32::max);
                    // Five of 255 steps: brightness and colour are rounded one by one when scaled, blue counts its colour twice, and
                    // what is enlarged is blended on one side only.
                    assert!(worst <= 5.0 / 128.0, "{pass:?}: {worst}");
                }
            });
        }
    }

    #[test]
    fn nothing_stays_of_a_picture_that_was_let_go_and_forgotten() {
        let form = PixelForm { order: ChannelOrder::Rgb, mean: 0.0, scale: 1.0 };
        let mut layer = Layer::new(form);
        // By no whole number, so that the resizer has a part in it.
        let pass = close_up(101, 67, InputSize::Free);
        let white = crate::Picture::from_rgb(101, 67, vec![255; 3 * 101 * 67]).expect("whole");
        layer.lay(white.view().into(), &pass).expect("laid");
        assert!(layer.scaling_bytes() > 0);
        layer.let_go();
        layer.forget();
        assert_eq!(layer.scaling_bytes(), 0);
        assert!(layer.input.iter().all(|value| *value == 0.0));
        assert!(layer.scaled.iter().all(|plane| plane.iter().all(|value| *value == 0)));
    }

    #[test]
    fn what_lies_around_a_picture_is_black_and_nothing_stays_of_a_larger_one_before() {
        let form = PixelForm { order: ChannelOrder::Rgb, mean: 127.5, scale: 1.0 / 128.0 };
        let mut layer = Layer::new(form);
        let white = crate::Picture::from_rgb(900, 700, vec![255; 3 * 900 * 700]).expect("whole");
        let small = crate::Picture::from_rgb(20, 10, vec![255; 600]).expect("whole");
        layer.lay(white.view().into(), &plan(900, 700, &options(640, Beyond::Reduce))[0]).expect("laid");
        layer.forget();
        let pass = plan(20, 10, &options(640, Beyond::Reduce))[0];
        let input = layer.lay(small.view().into(), &pass).expect("laid");
        let white = input.iter().filter(|value| **value > 0.99).count();
        let black = input.iter().filter(|value| **value < -0.99).count();
        assert_eq!((white, white + black), (600, input.len()));
    }

    #[test]
    fn nothing_of_a_frame_stays_when_it_is_forgotten() {
        let mut layer = Layer::new(PixelForm { order: ChannelOrder::Bgr, mean: 0.0, scale: 1.0 });
        for long_side_max_px in [64, 96, 160] {
            smooth(|view| {
                let pass = plan(SIZE[0], SIZE[1], &options(long_side_max_px, Beyond::Reduce))[0];
                assert!(layer.lay(view.into(), &pass).expect("laid").iter().any(|value| *value > 0.0));
                layer.forget();
                assert!(layer.scaled.iter().all(|plane| plane.iter().all(|value| *value == 0)));
                assert!(layer.sums.iter().all(|sum| *sum == 0) && layer.input.iter().all(|value| *value == 0.0));
            });
        }
    }
}
