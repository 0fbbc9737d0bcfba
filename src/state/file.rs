//! Save and load: safetensors files that appear whole or not at all, and are read without trust.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::header::{self, Fault, Tensor, fault};
use super::key;
use super::replace;
use super::value::{array_from, bytes_of};
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// The longest header that the format allows.
const HEADER: usize = 100_000_000;
/// Bytes before the header: its length.
const PREFIX: usize = 8;
const CHUNK: usize = 1 << 16;

/// A variable of a file.
pub(super) struct Variable {
    pub space: String,
    pub name: Option<String>,
    pub array: Array,
}

/// What a file holds: the variables in the order of registration, seed and run counter.
pub(super) struct Image {
    /// `None` for a file of another program.
    pub counters: Option<(u64, u64)>,
    pub variables: Vec<Variable>,
}

/// Why a read stopped.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(Fault),
    Io(io::Error),
    Error(Error),
}
impl From<Fault> for Stop {
    fn from(f: Fault) -> Stop {
        Stop::Fault(f)
    }
}
impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Stop {
        Stop::Io(e)
    }
}
impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Error(e)
    }
}

impl Stop {
    /// The error of `op`, which read what `place` says, such as ` in "file"`.
    fn error(self, op: &str, place: &str, path: &Path) -> Error {
        match self {
            Stop::Error(e) => e,
            Stop::Io(e) => Error::io(e, path, op, "the file cannot be read", "a readable file"),
            Stop::Fault(f) => {
                let e = Error::new(ErrorKind::Format, op, f.what, format_args!("{}{place}", f.got), f.rule);
                f.help.map_or(e.clone(), |h| e.help(h))
            }
        }
    }
}

/// Reads the file `path`.
pub(super) fn read(path: &Path) -> Result<Image> {
    let open = || -> Result<Image, Stop> {
        // Asked before it is opened: to open a pipe would wait for its other end.
        plain(&fs::metadata(path)?)?;
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        read_from(file, len)
    };
    open().map_err(|stop| stop.error("load", &format!(" in {:?}", path.display().to_string()), path))
}

/// Reads what [`to_bytes`] wrote, or another program's file.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Image> {
    read_from(bytes, bytes.len() as u64).map_err(|stop| stop.error("from_bytes", "", Path::new("")))
}

/// An error for what is no ordinary file.
pub(super) fn plain(found: &fs::Metadata) -> io::Result<()> {
    match found {
        f if f.is_file() => Ok(()),
        f if f.is_dir() => Err(io::Error::from_raw_os_error(libc::EISDIR)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// Reads `len` bytes. Nothing is allocated that the file's true length does not cover.
pub(super) fn read_from(mut file: impl Read, len: u64) -> Result<Image, Stop> {
    let len = usize::try_from(len).map_err(|_| fault("the file is too large", format!("{len} bytes"), "a size that fits in memory"))?;
    let Some(rest) = len.checked_sub(PREFIX) else {
        return Err(fault("the file is too short", format!("{len} bytes"), "at least 8 bytes, and a header").into());
    };
    let mut prefix = [0; PREFIX];
    exact(&mut file, &mut prefix)?;
    let claimed = u64::from_le_bytes(prefix);
    let most = rest.min(HEADER);
    let size = usize::try_from(claimed).ok().filter(|&n| n <= most);
    let Some(size) = size else {
        return Err(fault("the header is too long", format!("{claimed} bytes"), format!("at most {most} bytes")).into());
    };
    let mut text = Vec::new();
    text.try_reserve_exact(size).map_err(io::Error::from)?;
    text.resize(size, 0);
    exact(&mut file, &mut text)?;
    let header = header::parse(&text, rest - size)?;
    drop(text);
    let names = header::names(&header)?;

    let mut by_place: Vec<usize> = (0..header.tensors.len()).collect();
    by_place.sort_unstable_by_key(|&i| header.tensors.get(i).map(|t| (t.start, t.end)));
    let mut arrays: Vec<Option<Array>> = vec![None; header.tensors.len()];
    for i in by_place {
        if let (Some(t), Some(slot)) = (header.tensors.get(i), arrays.get_mut(i)) {
            *slot = Some(tensor(&mut file, t)?);
        }
    }
    let variable = |(i, space, name): (usize, String, Option<String>)| Some(Variable { space, name, array: arrays.get_mut(i)?.take()? });
    Ok(Image { counters: header.own.map(|o| (o.seed, o.run)), variables: names.into_iter().filter_map(variable).collect() })
}

/// Fills `out`. That the file ends first, which its length did not say, is a fault of the file.
fn exact(file: &mut impl Read, out: &mut [u8]) -> Result<(), Stop> {
    file.read_exact(out).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => fault("the file ended while it was read", "no more bytes", "its full length").into(),
        _ => e.into(),
    })
}

fn tensor(file: &mut impl Read, t: &Tensor) -> Result<Array, Stop> {
    let fill = |bytes: &mut [u8]| {
        exact(file, bytes)?;
        to_native(bytes, t.dtype.size());
        if t.dtype == DType::Bool
            && let Some(b) = bytes.iter().find(|b| **b > 1)
        {
            return Err(fault("a bool is neither 0 nor 1", format!("byte {b}"), "0 or 1").into());
        }
        Ok(())
    };
    // SAFETY: `Ok` only if each byte of a bool is 0 or 1.
    unsafe { array_from(t.dtype, &t.dims, fill) }
}

/// Turns little-endian elements into native ones, or back.
fn to_native(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}

/// Writes the file `path`.
pub(super) fn write(path: &Path, image: &Image) -> Result<()> {
    let (header, order) = layout(image, "save")?;
    replace::write(path, &|out| write_to(out, &header, arrays(image, &order)))
        .map_err(|e| Error::io(e, path, "save", "the file cannot be written", "a path in a folder that exists and can be written to"))
}

/// The bytes of such a file.
pub(super) fn to_bytes(image: &Image) -> Result<Vec<u8>> {
    let (header, order) = layout(image, "to_bytes")?;
    let size = arrays(image, &order).map(Array::bytes).fold(PREFIX + header.len(), usize::saturating_add);
    let mut out = Vec::new();
    out.try_reserve_exact(size).map_err(|_| {
        let got = format_args!("{size} bytes");
        Error::new(ErrorKind::Memory, "to_bytes", "there is no memory for the bytes", got, "a size that fits in memory")
    })?;
    // A list of bytes takes all of them.
    let _ = write_to(&mut out, &header, arrays(image, &order));
    Ok(out)
}

fn arrays<'a>(image: &'a Image, order: &'a [usize]) -> impl Iterator<Item = &'a Array> {
    order.iter().filter_map(|&i| image.variables.get(i)).map(|v| &v.array)
}

fn write_to<'a>(out: &mut dyn Write, header: &str, arrays: impl Iterator<Item = &'a Array>) -> io::Result<()> {
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for a in arrays {
        if cfg!(target_endian = "little") {
            out.write_all(bytes_of(a))?;
            continue;
        }
        for part in bytes_of(a).chunks(CHUNK) {
            let mut part = part.to_vec();
            to_native(&mut part, a.dtype().size());
            out.write_all(&part)?;
        }
    }
    Ok(())
}

/// The header, and the variables in the order of their data: wide elements first, so that each stands at a multiple of its
/// size.
fn layout(image: &Image, op: &str) -> Result<(String, Vec<usize>)> {
    let mut unnamed = std::collections::HashMap::<&str, usize>::new();
    let mut keys = Vec::with_capacity(image.variables.len());
    for v in &image.variables {
        let n = unnamed.entry(&v.space).or_default();
        keys.push(key::encode(&v.space, v.name.as_deref(), *n));
        *n += usize::from(v.name.is_none());
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&i| image.variables.get(i).map(|v| std::cmp::Reverse(v.array.dtype().size())));
    let mut end = 0;
    let tensors: Vec<Tensor> = order
        .iter()
        .filter_map(|&i| image.variables.get(i).zip(keys.get(i)))
        .map(|(v, key)| {
            let start = end;
            end += v.array.bytes();
            Tensor { key: key.clone(), dtype: v.array.dtype(), dims: v.array.shape().into(), start, end }
        })
        .collect();
    let by_registration: Vec<&str> = keys.iter().map(String::as_str).collect();
    let header = header::write(&tensors, &by_registration, image.counters.unwrap_or_default());
    if header.len() > HEADER {
        let rule = format_args!("at most {HEADER} bytes");
        return Err(Error::new(ErrorKind::Format, op, "the header is too long", format_args!("{} bytes", header.len()), rule));
    }
    Ok((header, order))
}
