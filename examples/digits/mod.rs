//! Handwritten digits from files, and the order in which a training takes them.

use std::error::Error;
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use scirs2_autograd::ndarray_ext::ArrayRng;
use scirs2_autograd::{Context, Tensor, VariableEnvironment, tensor_ops::argmax};

/// The pixels of an image.
pub const PIXELS: usize = 784;
/// Grey levels from 0 to 1, an image a row, and what they show.
pub struct Digits {
    pub images: Array2<f32>,
    pub labels: Array1<i64>,
}

/// Reads a file of digits and checks every number in it.
pub fn read(path: &Path, rows: usize) -> Result<Digits, Box<dyn Error>> {
    let fail = |line: usize, what: String| format!("{}:{line}: {what}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let (mut images, mut labels) = (Vec::with_capacity(rows * PIXELS), Vec::with_capacity(rows));
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let line = labels.len() + 2;
        let number = |field: &[u8]| std::str::from_utf8(field).ok().and_then(|t| t.trim().parse::<u8>().ok());
        if record.len() != PIXELS + 1 {
            return Err(fail(line, format!("{} columns; expected a label and {PIXELS} grey levels", record.len())).into());
        }
        let mut fields = record.iter();
        match fields.next().and_then(number) {
            Some(label @ 0..=9) => labels.push(i64::from(label)),
            _ => return Err(fail(line, "the label is not a digit 0..9".into()).into()),
        }
        for field in fields {
            let grey = number(field).ok_or_else(|| fail(line, "a grey level is not an integer 0..255".into()))?;
            images.push(f32::from(grey) / 255.0);
        }
    }
    if labels.len() != rows {
        return Err(format!("{}: {} rows; expected {rows}", path.display(), labels.len()).into());
    }
    Ok(Digits { images: Array2::from_shape_vec((rows, PIXELS), images)?, labels: labels.into() })
}

/// What a command asks for: the digits to train on and to test with, of a folder, and how many epochs.
pub fn asked(epochs: usize) -> Result<(Digits, Digits, usize), Box<dyn Error>> {
    let mut args = std::env::args();
    let program = args.next().unwrap_or_default();
    let usage = || format!("usage: {program} FOLDER [EPOCHS], with mnist_train.csv and mnist_test.csv in FOLDER");
    let folder = args.next().ok_or_else(usage)?;
    let file = |name: &str| Path::new(&folder).join(name);
    let epochs = args.next().map_or(Ok(epochs), |n| n.parse())?;
    Ok((read(&file("mnist_train.csv"), 60_000)?, read(&file("mnist_test.csv"), 10_000)?, epochs))
}

impl Digits {
    /// The same in a new order: Fisher and Yates's shuffle, with draws from a generator.
    pub fn shuffled(&self, rng: &ArrayRng<f32>) -> Digits {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let draws = rng.standard_uniform(&[order.len()]);
        for (i, u) in draws.iter().enumerate() {
            let left = order.len() - i;
            order.swap(i, i + (u * left as f32) as usize % left);
        }
        Digits { images: self.images.select(Axis(0), &order), labels: self.labels.select(Axis(0), &order) }
    }
    /// So many at a time, in order.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = (ArrayView2<'_, f32>, ArrayView1<'_, i64>)> {
        let n = self.labels.len();
        (0..n)
            .step_by(size)
            .map(move |at| (at, n.min(at + size)))
            .map(|(a, b)| (self.images.slice(s![a..b, ..]), self.labels.slice(s![a..b])))
    }

    /// The share of them that a network names, whose outputs are `logits`.
    pub fn named(
        &self,
        env: &VariableEnvironment,
        logits: impl for<'g> Fn(&'g Context, Tensor<'g>) -> Tensor<'g>,
    ) -> Result<f64, Box<dyn Error>> {
        env.run(|ctx| {
            let x = ctx.placeholder("x", &[-1, PIXELS as isize]);
            let guess = argmax(logits(ctx, x), 1, false);
            let mut right = 0;
            for (images, labels) in self.batches(1000) {
                let out = ctx.evaluator().push(guess).feed(x, images).run().remove(0)?;
                right += out.view::<i64>()?.iter().zip(labels).filter(|(a, b)| a == b).count();
            }
            Ok(right as f64 / self.labels.len() as f64)
        })
    }
}
