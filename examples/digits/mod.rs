//! Handwritten digits from files, and the order in which a training takes them.

use std::error::Error;
use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use scirs2_autograd::ndarray_ext::ArrayRng;

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

/// Both sets of a folder: to train on, and to test with.
pub fn both(folder: &str) -> Result<(Digits, Digits), Box<dyn Error>> {
    let file = |name: &str| Path::new(folder).join(name);
    Ok((read(&file("mnist_train.csv"), 60_000)?, read(&file("mnist_test.csv"), 10_000)?))
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
}
