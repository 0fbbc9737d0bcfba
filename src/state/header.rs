//! The header of a safetensors file: a JSON table of tensors, read without trust.
//!
//! The reader knows this table only, so it is a loop, takes memory in proportion to the header's length, and sees a name
//! that occurs twice, which a map of a general JSON reader would swallow.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use safetensors::Dtype;

use super::key;
use crate::dtype::DType;
use crate::shape::Dims;

const FORMAT: &str = "scirs2_autograd";
const VERSION: &str = "1";
/// Axes of a tensor at most: NumPy's limit.
const AXES: usize = 64;

/// Why a file is not accepted: what is wrong, what was met, what was expected; the reader adds the file's name.
#[derive(Debug)]
pub(super) struct Fault {
    pub what: &'static str,
    pub got: String,
    pub rule: Cow<'static, str>,
    pub help: Option<&'static str>,
}

pub(super) fn fault(what: &'static str, got: impl Into<String>, rule: impl Into<Cow<'static, str>>) -> Fault {
    Fault { what, got: got.into(), rule: rule.into(), help: None }
}

type Read<T> = Result<T, Fault>;

/// A line of the table.
#[derive(Debug)]
pub(super) struct Tensor {
    pub key: String,
    pub dtype: DType,
    pub dims: Dims,
    /// Bytes after the header.
    pub start: usize,
    pub end: usize,
}

/// What this crate's own files say besides.
#[derive(Debug)]
pub(super) struct Own {
    pub seed: u64,
    pub run: u64,
    /// Indices of the tensors in the order in which the variables were first set.
    pub order: Vec<u32>,
}

/// A checked header.
#[derive(Debug)]
pub(super) struct Header {
    /// In the order of the text.
    pub tensors: Vec<Tensor>,
    /// `None` for a file of another program.
    pub own: Option<Own>,
}

fn dtype_name(d: DType) -> &'static str {
    match d {
        DType::Bool => "BOOL",
        DType::I32 => "I32",
        DType::I64 => "I64",
        DType::F32 => "F32",
        DType::F64 => "F64",
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The header of a file of this crate, padded to a multiple of 8 bytes. `tensors` in the order of their data, `order` their
/// keys in the order of registration.
pub(super) fn write(tensors: &[Tensor], order: &[&str], (seed, run): (u64, u64)) -> String {
    let order = format!("[{}]", order.iter().map(|k| json(k)).collect::<Vec<_>>().join(","));
    let mut out =
        format!(r#"{{"__metadata__":{{"format":"{FORMAT}","version":"{VERSION}","seed":"{seed}","run":"{run}","order":{}}}"#, json(&order));
    for t in tensors {
        let shape = t.dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let (key, dtype) = (json(&t.key), dtype_name(t.dtype));
        // Writing to a string does not fail.
        let _ = write!(out, r#",{key}:{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{},{}]}}"#, t.start, t.end);
    }
    out.push('}');
    let padded = out.len().next_multiple_of(8);
    out.extend(std::iter::repeat_n(' ', padded - out.len()));
    out
}

/// A place in a JSON text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|b| b" \n\r\t".contains(b)).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected<T>(&self, rule: &'static str) -> Read<T> {
        let got = match self.text.get(self.at..).and_then(|t| t.chars().next()) {
            Some(c) => format!("{c:?} at byte {} of the header", self.at),
            None => "the end of the header".to_owned(),
        };
        Err(fault("the header is not a table of tensors", got, rule))
    }

    fn accept(&mut self, byte: u8) -> bool {
        let met = self.peek() == Some(byte);
        self.at += usize::from(met);
        met
    }

    fn expect(&mut self, byte: u8, rule: &'static str) -> Read<()> {
        if self.accept(byte) { Ok(()) } else { self.unexpected(rule) }
    }

    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut plain = true;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    self.at += 2;
                }
                Some(0..0x20) => return self.unexpected("a string without control characters"),
                Some(_) => self.at += 1,
                None => {
                    self.at = bytes.len();
                    return self.unexpected("the end of a string");
                }
            }
        }
        let end = self.at;
        self.at += 1;
        if plain && let Some(text) = self.text.get(start..end) {
            return Ok(Cow::Borrowed(text));
        }
        let decoded = self.text.get(start - 1..=end).and_then(|quoted| serde_json::from_str(quoted).ok());
        decoded.map_or_else(
            || {
                self.at = start - 1;
                self.unexpected("a string with valid escapes")
            },
            |text| Ok(Cow::Owned(text)),
        )
    }

    fn number(&mut self) -> Read<usize> {
        const RULE: &str = "an integer that is not negative";
        self.peek();
        let start = self.at;
        self.at += self.text.as_bytes().iter().skip(start).take_while(|b| b.is_ascii_digit()).count();
        let Some(digits) = self.text.get(start..self.at).filter(|d| !d.is_empty()) else { return self.unexpected(RULE) };
        let short = &digits[..digits.len().min(24)];
        digits.parse().map_err(|_| fault("a number does not fit", format!("{short} at byte {start} of the header"), "at most 64 bits"))
    }

    /// Calls `item` for each item of a list or table from here, up to `close`.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.accept(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.accept(close) {
                return Ok(());
            }
            self.expect(b',', "a comma, or the end of a list or table")?;
        }
    }

    fn numbers(&mut self, most: usize, too_many: &'static str) -> Read<Dims> {
        self.expect(b'[', "a list of integers")?;
        let mut out = Dims::new();
        self.items(b']', |c| {
            out.push(c.number()?);
            if out.len() > most { Err(fault("a list is too long", format!("{} integers", out.len()), too_many)) } else { Ok(()) }
        })?;
        Ok(out)
    }
}

fn dtype(name: &str, key: &str) -> Read<DType> {
    if let Some(d) = DType::ALL.into_iter().find(|&d| dtype_name(d) == name) {
        return Ok(d);
    }
    let rule = "BOOL, I32, I64, F32 or F64";
    let got = format!("{} for tensor {}", short(name), short(key));
    // The format's own list tells a dtype that we do not have from one that nobody has.
    if serde_json::from_str::<Dtype>(&json(name)).is_ok() {
        let help = Some("convert the tensor to float32, float64, int32, int64 or bool with the program that wrote it");
        return Err(Fault { help, ..fault("a dtype is not supported", got, rule) });
    }
    Err(fault("unknown dtype", got, rule))
}

/// A name as messages quote it.
fn short(name: &str) -> String {
    if name.chars().count() <= 60 { format!("{name:?}") } else { format!("{:?}...", name.chars().take(60).collect::<String>()) }
}

fn tensor(c: &mut Cursor<'_>, key: String) -> Read<Tensor> {
    let (mut kind, mut dims, mut offsets) = (None, None, None);
    let rule = "a table of dtype, shape and data_offsets";
    c.expect(b'{', rule)?;
    c.items(b'}', |c| {
        let field = c.string()?;
        c.expect(b':', "a colon")?;
        let again = match &*field {
            "dtype" => kind.replace(dtype(&c.string()?, &key)?).is_some(),
            "shape" => dims.replace(c.numbers(AXES, "at most 64 axes")?).is_some(),
            "data_offsets" => offsets.replace(c.numbers(2, "two offsets")?).is_some(),
            _ => true,
        };
        if again {
            Err(fault("an unknown or repeated field", format!("{} of tensor {}", short(&field), short(&key)), rule))
        } else {
            Ok(())
        }
    })?;
    let offsets = offsets.as_deref().and_then(|o| <[usize; 2]>::try_from(o).ok());
    let (Some(dtype), Some(dims), Some([start, end])) = (kind, dims, offsets) else {
        return Err(fault("a field is missing", format!("tensor {}", short(&key)), "dtype, shape and two data_offsets"));
    };
    // Zeros are left out: the product of the others bounds the strides of an empty array too.
    let span = dims.iter().filter(|&&d| d != 0).try_fold(dtype.size(), |n, &d| n.checked_mul(d)).filter(|&n| isize::try_from(n).is_ok());
    let Some(span) = span else {
        return Err(fault("a shape is too large", format!("tensor {}", short(&key)), "a size in bytes below 2**63"));
    };
    let size = if dims.contains(&0) { 0 } else { span };
    if end.checked_sub(start) != Some(size) {
        let got = format!("offsets {start} to {end} of tensor {}", short(&key));
        return Err(fault("offsets do not fit dtype and shape", got, format!("{size} bytes")));
    }
    Ok(Tensor { key, dtype, dims, start, end })
}

/// Reads and checks a header; `data` is the number of bytes that follow it in the file.
pub(super) fn parse(text: &[u8], data: usize) -> Read<Header> {
    let text =
        std::str::from_utf8(text).map_err(|e| fault("the header is not text", format!("a bad byte at {}", e.valid_up_to()), "UTF-8"))?;
    let mut c = Cursor { text, at: 0 };
    let mut tensors = Vec::new();
    let mut meta: Option<HashMap<&'static str, Cow<'_, str>>> = None;
    c.expect(b'{', "a table")?;
    c.items(b'}', |c| {
        let key = c.string()?;
        c.expect(b':', "a colon")?;
        if key != "__metadata__" {
            tensors.push(tensor(c, key.into_owned())?);
            return Ok(());
        }
        if meta.is_some() {
            return Err(fault("a name occurs twice", "\"__metadata__\"", "distinct names"));
        }
        let fields = meta.insert(HashMap::new());
        c.expect(b'{', "a table of strings")?;
        c.items(b'}', |c| {
            let name = c.string()?;
            c.expect(b':', "a colon")?;
            let value = c.string()?;
            if let Some(known) = ["format", "version", "seed", "run", "order"].into_iter().find(|k| *k == name) {
                fields.insert(known, value);
            }
            Ok(())
        })
    })?;
    if c.peek().is_some() {
        return c.unexpected("nothing after the table");
    }

    let mut index = HashMap::with_capacity(tensors.len());
    for (i, t) in (0u32..).zip(&tensors) {
        if index.insert(t.key.as_str(), i).is_some() {
            return Err(fault("a name occurs twice", short(&t.key), "distinct names"));
        }
    }
    covers(&tensors, data)?;
    let own = match meta {
        Some(m) if m.get("format").is_some_and(|f| f == FORMAT) => Some(own(&m, &index)?),
        _ => None,
    };
    Ok(Header { tensors, own })
}

/// The data of the tensors, in some order, fills the file: no gap, no overlap, nothing after it.
fn covers(tensors: &[Tensor], data: usize) -> Read<()> {
    let mut spans: Vec<&Tensor> = tensors.iter().collect();
    spans.sort_unstable_by_key(|t| (t.start, t.end));
    let mut at = 0;
    for t in spans {
        if t.start != at {
            let got = format!("offset {} of tensor {}", t.start, short(&t.key));
            return Err(fault("tensors overlap or leave a gap", got, at.to_string()));
        }
        at = t.end;
    }
    if at == data {
        return Ok(());
    }
    let what = if at > data { "the file is too short" } else { "the file is too long" };
    Err(fault(what, format!("{data} bytes of data"), format!("the {at} bytes that its header lists")))
}

fn own(meta: &HashMap<&str, Cow<'_, str>>, index: &HashMap<&str, u32>) -> Read<Own> {
    let field = |name: &str| meta.get(name).map(|v| &**v).unwrap_or_default();
    let version = field("version");
    if version != VERSION {
        let help = Some("the file was written by another version of this package; load it there");
        return Err(Fault { help, ..fault("unknown version of the file", short(version), format!("version {VERSION:?}")) });
    }
    let number = |name: &'static str| {
        let text = field(name);
        text.parse().map_err(|_| fault("a counter is not a number", format!("{} for {name}", short(text)), "an integer of 64 bits"))
    };
    let (seed, run) = (number("seed")?, number("run")?);
    let mut c = Cursor { text: field("order"), at: 0 };
    let mut order = Vec::with_capacity(index.len());
    let mut seen = HashSet::with_capacity(index.len());
    let bad = || fault("the order of the variables does not fit", "\"order\"", "each tensor of the file once");
    let list = c.expect(b'[', "").and_then(|()| {
        c.items(b']', |c| {
            let i = *index.get(&*c.string()?).ok_or_else(bad)?;
            order.push(i);
            if seen.insert(i) { Ok(()) } else { Err(bad()) }
        })
    });
    if list.is_err() || c.peek().is_some() || order.len() != index.len() {
        return Err(bad());
    }
    Ok(Own { seed, run, order })
}

/// Namespace and name of each tensor, in the order of its variable. A foreign file's names are names as they are.
pub(super) fn names(header: &Header) -> Read<Vec<(usize, String, Option<String>)>> {
    let Some(own) = &header.own else {
        return Ok(header.tensors.iter().enumerate().map(|(i, t)| (i, String::new(), Some(t.key.clone()))).collect());
    };
    let mut unnamed = HashMap::<String, usize>::new();
    let mut out = Vec::with_capacity(own.order.len());
    for i in own.order.iter().map(|&i| i as usize) {
        let Some(t) = header.tensors.get(i) else { continue };
        let ordinal = |space: &str| {
            let n = unnamed.entry(space.to_owned()).or_default();
            *n += 1;
            *n - 1
        };
        let (space, name) =
            key::decode(&t.key, ordinal).ok_or_else(|| fault("a key is not a variable's", short(&t.key), "a name as `save` writes it"))?;
        out.push((i, space, name));
    }
    Ok(out)
}
