//! Lays one part of a picture before a detector: scaled, as three planes of numbers, with black around it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x2, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use zeroize::Zeroizing;

use super::PixelForm;
use crate::detect::passes::Pass;
use crate::picture::{PictureView, RgbView};
use crate::recognise::ChannelOrder;
use crate::yuv::{Chroma, Factors, Plane, YuvView};

/// Working memory, used again for every picture and wiped between two.
pub(super) struct Layer {
    form: PixelForm,
    resizer: Resizer,
    /// Scaled rows, one buffer a plane.
    scaled: [Zeroizing<Vec<u8>>; 3],
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
struct Planes<'a> {
    planes: [&'a mut [f32]; 3],
    width: usize,
    margin: usize,
}

impl Layer {
    pub(super) fn new(form: PixelForm) -> Self {
        Self { form, resizer: Resizer::new(), scaled: Default::default(), input: Zeroizing::default() }
    }

    /// The graph's input for one pass. Whoever takes it wipes it. A failure says what the resizer found.
    pub(super) fn lay(&mut self, picture: PictureView<'_>, pass: &Pass) -> Result<&mut [f32], String> {
        let black = (0.0 - self.form.mean) * self.form.scale;
        self.input.clear();
        self.input.resize(3 * pass.input_width as usize * pass.input_height as usize, black);
        match picture {
            PictureView::Rgb(view) => self.lay_rgb(view, pass)?,
            PictureView::Yuv(view) => self.lay_yuv(view, pass)?,
        }
        self.scaled.iter_mut().for_each(|plane| plane.fill(0));
        Ok(&mut self.input)
    }

    fn lay_rgb(&mut self, view: RgbView<'_>, pass: &Pass) -> Result<(), String> {
        let Self { form, resizer, scaled: [scaled, ..], input } = self;
        let planes = Planes::of(input, pass, form.order);
        let (width, height) = (pass.scaled_width as usize, pass.scaled_height as usize);
        if (pass.scaled_width, pass.scaled_height) == (pass.width, pass.height) {
            let row = |y: usize| &view.row(pass.top + y as u32)[3 * pass.left as usize..][..3 * width];
            planes.fill_rgb(height, row, *form);
            return Ok(());
        }
        let plane = Plane { stride_bytes: view.stride_bytes, bytes: view.pixels };
        scale::<U8x3>(resizer, plane, [view.width, view.height], Part::of(pass, [1, 1]), [width, height], scaled)?;
        planes.fill_rgb(height, |y| &scaled[3 * width * y..][..3 * width], *form);
        Ok(())
    }

    fn lay_yuv(&mut self, view: YuvView<'_>, pass: &Pass) -> Result<(), String> {
        let Self { form, resizer, scaled: [luma, u, v], input } = self;
        let planes = Planes::of(input, pass, form.order);
        let target = [pass.scaled_width as usize, pass.scaled_height as usize];
        scale::<U8>(resizer, view.luma, [view.width, view.height], Part::of(pass, [1, 1]), target, luma)?;
        let factors = view.colours.factors();
        match view.chroma {
            Chroma::Planar { u: blue, v: red, across, down } => {
                let size = [view.width.div_ceil(across), view.height.div_ceil(down)];
                let part = Part::of(pass, [across, down]).within(size);
                scale::<U8>(resizer, blue, size, part, target, u)?;
                scale::<U8>(resizer, red, size, part, target, v)?;
                planes.fill_yuv(target, luma, (u, v), &factors, *form);
            }
            Chroma::Interleaved(both) => {
                let size = [view.width.div_ceil(2), view.height.div_ceil(2)];
                scale::<U8x2>(resizer, both, size, Part::of(pass, [2, 2]).within(size), target, u)?;
                planes.fill_nv12(target, luma, u, &factors, *form);
            }
        }
        Ok(())
    }
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

    /// One row of each plane where the picture lies.
    fn row(&mut self, y: usize, length: usize) -> [&mut [f32]; 3] {
        let start = (y + self.margin) * self.width + self.margin;
        self.planes.each_mut().map(|plane| &mut plane[start..start + length])
    }

    fn fill_rgb<'p>(mut self, rows: usize, pixels: impl Fn(usize) -> &'p [u8], form: PixelForm) {
        let number = |value: u8| (f32::from(value) - form.mean) * form.scale;
        for y in 0..rows {
            let row = pixels(y);
            let [red, green, blue] = self.row(y, row.len() / 3);
            for (((pixel, red), green), blue) in row.chunks_exact(3).zip(red).zip(green).zip(blue) {
                *red = number(pixel[0]);
                *green = number(pixel[1]);
                *blue = number(pixel[2]);
            }
        }
    }

    fn fill_yuv(
        mut self,
        [width, height]: [usize; 2],
        luma: &[u8],
        (u, v): (&[u8], &[u8]),
        factors: &Factors,
        form: PixelForm,
    ) {
        for y in 0..height {
            let row = y * width..(y + 1) * width;
            let (luma, u, v) = (&luma[row.clone()], &u[row.clone()], &v[row]);
            let [red, green, blue] = self.row(y, width);
            for x in 0..width {
                let rgb = factors.rgb(luma[x], u[x], v[x]);
                red[x] = (rgb[0] - form.mean) * form.scale;
                green[x] = (rgb[1] - form.mean) * form.scale;
                blue[x] = (rgb[2] - form.mean) * form.scale;
            }
        }
    }

    fn fill_nv12(mut self, [width, height]: [usize; 2], luma: &[u8], uv: &[u8], factors: &Factors, form: PixelForm) {
        for y in 0..height {
            let (luma, uv) = (&luma[y * width..][..width], &uv[2 * y * width..][..2 * width]);
            let [red, green, blue] = self.row(y, width);
            for (x, pair) in uv.chunks_exact(2).enumerate() {
                let rgb = factors.rgb(luma[x], pair[0], pair[1]);
                red[x] = (rgb[0] - form.mean) * form.scale;
                green[x] = (rgb[1] - form.mean) * form.scale;
                blue[x] = (rgb[2] - form.mean) * form.scale;
            }
        }
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
    scaled.resize(pixel_bytes * target[0] * target[1], 0);
    let [target_width, target_height] = target.map(|side| side as u32);
    let mut target =
        TypedImage::<P>::from_buffer(target_width, target_height, scaled).map_err(|error| error.to_string())?;
    // Means of boxes where it shrinks: half the work of a wider filter, and detectors find as much.
    let shrinks = part.width >= f64::from(target_width) && part.height >= f64::from(target_height);
    let filter = if shrinks { FilterType::Box } else { FilterType::Bilinear };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(
        part.left,
        part.top,
        part.width,
        part.height,
    );
    resizer.resize_typed(&source, &mut target, &options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::passes::plan;
    use crate::detect::{Beyond, InputSize, Options};
    use crate::yuv::{Colours, Matrix, Range};

    const SIZE: [u32; 2] = [200, 100];

    fn options(long_side_max_px: u32, beyond: Beyond) -> Options {
        Options { confidence_min: 0.6, overlap_max: 0.3, long_side_max_px, beyond, input: InputSize::Free }
    }

    /// A smooth picture: brightness rises to the right, colour downwards. Rows are longer than they need to be.
    fn smooth(look: impl Fn(YuvView<'_>)) {
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
                    plan(SIZE[0], SIZE[1], &options(96, Beyond::Reduce)),
                    plan(SIZE[0], SIZE[1], &options(96, Beyond::Tile)),
                    plan(SIZE[0], SIZE[1], &options(640, Beyond::Reduce)),
                ]
                .concat()
                {
                    let (mut one, mut other) = (Layer::new(form), Layer::new(form));
                    let from_yuv = one.lay(view.into(), &pass).expect("laid");
                    let from_rgb = other.lay(picture.view().into(), &pass).expect("laid");
                    assert_eq!(from_yuv.len(), from_rgb.len());
                    let worst = from_yuv.iter().zip(from_rgb.iter()).map(|(a, b)| (*a - *b).abs()).fold(0.0, f32::max);
                    // Four of 255 steps: brightness and colour are rounded one by one when scaled, and blue counts its colour twice.
                    assert!(worst <= 4.0 / 128.0, "{pass:?}: {worst}");
                }
            });
        }
    }

    #[test]
    fn what_lies_around_a_picture_is_black_and_nothing_stays_of_a_larger_one_before() {
        let form = PixelForm { order: ChannelOrder::Rgb, mean: 127.5, scale: 1.0 / 128.0 };
        let mut layer = Layer::new(form);
        smooth(|view| {
            let _ = Layer::new(form).lay(view.into(), &plan(SIZE[0], SIZE[1], &options(96, Beyond::Reduce))[0]);
        });
        let white = crate::Picture::from_rgb(900, 700, vec![255; 3 * 900 * 700]).expect("whole");
        let small = crate::Picture::from_rgb(20, 10, vec![255; 600]).expect("whole");
        layer.lay(white.view().into(), &plan(900, 700, &options(640, Beyond::Reduce))[0]).expect("laid");
        let pass = plan(20, 10, &options(640, Beyond::Reduce))[0];
        let input = layer.lay(small.view().into(), &pass).expect("laid");
        let white = input.iter().filter(|value| **value > 0.99).count();
        let black = input.iter().filter(|value| **value < -0.99).count();
        assert_eq!((white, white + black), (600, input.len()));
        assert!(layer.scaled.iter().all(|plane| plane.iter().all(|value| *value == 0)));
    }
}
