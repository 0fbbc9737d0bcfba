//! Save and load: safetensors files that appear whole or not at all, and are read without trust.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::header::{self, Fault, Tensor, fault};
use super::key;
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

fn named(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// Reads the file `path`.
pub(super) fn read(path: &Path) -> Result<Image> {
    let open = || -> Result<Image, Stop> {
        // Asked before it is opened: to open a pipe would wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file").into());
        }
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        read_from(file, len)
    };
    open().map_err(|stop| match stop {
        Stop::Error(e) => e,
        Stop::Io(e) => Error::io(&e, "load", "the file cannot be read", format_args!("{} ({e})", named(path)), "a readable file"),
        Stop::Fault(f) => {
            let e = Error::new(ErrorKind::Format, "load", f.what, format_args!("{} in {}", f.got, named(path)), f.rule);
            f.help.map_or(e.clone(), |h| e.help(h))
        }
    })
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

/// Writes the file `path`: first under another name beside it, then, when all of it is on the disk, by a rename.
pub(super) fn write(path: &Path, image: &Image) -> Result<()> {
    let (header, order) = layout(image);
    if header.len() > HEADER {
        let got = format_args!("{} bytes for {}", header.len(), named(path));
        return Err(Error::new(ErrorKind::Format, "save", "the header is too long", got, format_args!("at most {HEADER} bytes")));
    }
    write_all(path, &header, order.iter().filter_map(|&i| image.variables.get(i)).map(|v| &v.array)).map_err(|e| {
        let got = format_args!("{} ({e})", named(path));
        Error::io(&e, "save", "the file cannot be written", got, "a path in a folder that exists and can be written to")
    })
}

/// The header, and the variables in the order of their data: wide elements first, so that each stands at a multiple of its
/// size.
fn layout(image: &Image) -> (String, Vec<usize>) {
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
    (header::write(&tensors, &by_registration, image.counters.unwrap_or_default()), order)
}

fn write_all<'a>(path: &Path, header: &str, arrays: impl Iterator<Item = &'a Array>) -> io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(old) if old.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
        // The rename would put a file in the place of a pipe or a device, even of `/dev/null` for one who may do so.
        Ok(old) if !old.is_file() => return Err(io::Error::other("not a regular file")),
        _ => {}
    }
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".save-").suffix(".tmp");
    // A file for this user alone is tempfile's default; a saved file is an ordinary one.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    if let Ok(old) = fs::metadata(&target) {
        file.as_file().set_permissions(old.permissions())?;
    }

    let mut out = BufWriter::with_capacity(CHUNK, file.as_file());
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
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// Makes a rename durable. Some file systems have no such call; the file itself is on the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
