use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array1, array};
use safetensors::tensor::{Dtype, TensorView};

use super::file::{Stop, read_from};
use super::*;
use crate::array::Filled;
use crate::error::{Error, ErrorKind};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    (folder, path)
}

fn sample() -> VariableEnvironment {
    let env = VariableEnvironment::new();
    env.name("w1").set(array![[1.5f32, f32::NAN, f32::INFINITY], [-0.0, f32::MIN_POSITIVE / 2.0, 3.0]]);
    env.name("mask").set(array![true, false, true]);
    env.set(array![7i32, -8]);
    env.namespace("adam").slot().name("0m").set(array![i64::MIN, i64::MAX]);
    env.name("scalar").set(-2.5f64);
    env.name("empty").set(Array1::<f64>::zeros(0));
    env.namespace("adam").slot().set(1.0f32);
    env.set(array![9i32]);
    env.name("a/b %").set(3i32);
    env.namespace("a").slot().name("b %").set(4i32);
    env.name("__metadata__").set(5i32);
    env.namespace("\u{1F980}\n\"").slot().name("").set(6i32);
    env.seed(u64::MAX);
    env.next_run();
    env
}

type Bits = (String, Option<String>, DType, Vec<usize>, Vec<u8>);

/// All elements as bits, so that NaN and -0.0 count.
fn bits(env: &VariableEnvironment) -> Vec<Bits> {
    let one = |id| {
        let (space, name) = env.name_of(id).unwrap();
        let a = env.get(id).unwrap();
        (space, name, a.dtype(), a.shape().to_vec(), value::bytes_of(&a).to_vec())
    };
    env.ids().into_iter().map(one).collect()
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn text(e: Error) -> String {
    format!("{:?}: {e}", e.kind())
}

fn is_a_directory() -> std::io::Error {
    std::io::Error::from_raw_os_error(libc::EISDIR)
}

#[test]
fn everything_comes_back() {
    let (_folder, path) = folder();
    let env = sample();
    env.save(&path).unwrap();
    let again = VariableEnvironment::load(&path).unwrap();
    assert_eq!(bits(&again), bits(&env));
    assert_eq!((again.seed_value(), again.next_run(), env.next_run()), (u64::MAX, 1, 1));
    // Two saves of the same state are the same bytes.
    let other = path.with_extension("2");
    env.save(&path).unwrap();
    VariableEnvironment::load(&path).unwrap().save(&other).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&other).unwrap());

    VariableEnvironment::new().save(&path).unwrap();
    assert!(VariableEnvironment::load(&path).unwrap().is_empty());
}

#[test]
fn bytes_are_those_of_a_file() {
    let (_folder, path) = folder();
    let env = sample();
    env.save(&path).unwrap();
    let bytes = env.to_bytes().unwrap();
    assert_eq!(bytes, fs::read(&path).unwrap());
    let again = VariableEnvironment::from_bytes(&bytes).unwrap();
    assert_eq!((bits(&again), again.seed_value(), again.next_run()), (bits(&env), u64::MAX, 1));
    assert_ne!(again.id(), env.id());
    // What is no file: as for `load`, without a name of a file.
    let got = text(VariableEnvironment::from_bytes(&bytes[..7]).map(drop).unwrap_err());
    assert_eq!(got, "Format: from_bytes: the file is too short. Got 7 bytes; expected at least 8 bytes, and a header.");
    let run = env.write().unwrap();
    assert_eq!(env.to_bytes().unwrap_err().kind(), ErrorKind::Graph);
    drop(run);
}

#[test]
fn other_programs_see_natural_names() {
    let (_folder, path) = folder();
    let env = VariableEnvironment::new();
    env.name("w1").set(array![[1.0f32, 2.0]]);
    env.name("flag").set(array![true]);
    env.namespace("adam").slot().name("0m").set(array![5i64]);
    env.set(Filled::new(&[2], 0.0));
    env.seed(3);
    env.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let (n, meta) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(n % 8, 0);
    assert_eq!(meta.offset_keys(), ["adam/0m", "w1", "%unnamed0", "flag"]);
    let m = meta.metadata().as_ref().unwrap();
    let got = ["format", "version", "seed", "run", "order"].map(|k| m[k].as_str());
    assert_eq!(got, ["scirs2_autograd", "1", "3", "0", r#"["w1","flag","adam/0m","%unnamed0"]"#]);
    let all = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let w = all.tensor("w1").unwrap();
    assert_eq!((w.dtype(), w.shape(), w.data()), (Dtype::F32, &[1, 2][..], &[0, 0, 128, 63, 0, 0, 0, 64][..]));
    assert_eq!(all.tensor("flag").unwrap().dtype(), Dtype::BOOL);
}

#[test]
fn files_of_other_programs_load() {
    let (_folder, path) = folder();
    let ints: Vec<u8> = [1i64, -2].iter().flat_map(|x| x.to_le_bytes()).collect();
    let tensors = [
        ("layer/weight", TensorView::new(Dtype::I64, vec![2], &ints).unwrap()),
        ("%unnamed0", TensorView::new(Dtype::BOOL, vec![2, 1], &[1, 0]).unwrap()),
    ];
    let info = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    for info in [None, Some(info)] {
        fs::write(&path, safetensors::serialize(tensors.clone(), info).unwrap()).unwrap();
        let env = VariableEnvironment::load(&path).unwrap();
        assert_eq!(env.default_namespace().current_var_names(), ["layer/weight", "%unnamed0"]);
        let ids = env.default_namespace().current_var_ids();
        assert_eq!(env.get(ids[0]).unwrap(), array![1i64, -2]);
        assert_eq!(env.get(ids[1]).unwrap(), array![[true], [false]]);
    }
    let other =
        r#" {"b" : {"shape": [ ] , "data_offsets":[4,8], "dtype":"F32"},"a\u00e9\n":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}  "#;
    fs::write(&path, file(other, &[1, 0, 0, 0, 0, 0, 128, 63])).unwrap();
    let env = VariableEnvironment::load(&path).unwrap();
    assert_eq!(env.default_namespace().current_var_names(), ["b", "a\u{e9}\n"]);
    assert_eq!(env.get(env.lookup("", "b").unwrap()).unwrap().item().unwrap(), 1.0);
    // Counters stay when the file has none.
    env.seed(11);
    env.next_run();
    env.initialize(&path).unwrap();
    assert_eq!((env.seed_value(), env.next_run()), (11, 1));
}

#[test]
fn initialize_keeps_ids_and_other_variables() {
    let (_folder, path) = folder();
    let saved = VariableEnvironment::new();
    saved.set(1i32);
    saved.name("w").set(array![1.0f32, 2.0]);
    saved.set(2i32);
    saved.namespace("n").slot().set(3i32);
    saved.seed(5);
    saved.save(&path).unwrap();

    let env = VariableEnvironment::new();
    let kept = env.name("kept").set(0.0f32);
    let w = env.name("w").set(0.0f32);
    let first = env.set(0.0f32);
    env.initialize(&path).unwrap();
    assert_eq!(env.get(w).unwrap(), array![1.0f32, 2.0]);
    assert_eq!((env.get(first).unwrap().item().unwrap(), env.get(kept).unwrap().item().unwrap()), (1.0, 0.0));
    assert_eq!((env.len(), env.seed_value()), (5, 5));
    let added = env.default_namespace().current_var_ids()[3];
    assert_eq!(env.get(added).unwrap().item().unwrap(), 2.0);
    // Unnamed variables meet their own places again.
    env.initialize(&path).unwrap();
    assert_eq!(env.len(), 5);

    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let before = (bits(&env), env.version(w).unwrap());
    assert_eq!(env.initialize(&path).unwrap_err().kind(), ErrorKind::Format);
    assert_eq!((bits(&env), env.version(w).unwrap()), before);
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let (folder, path) = folder();
    let env = sample();
    env.save(&path).unwrap();
    let old = fs::read(&path).unwrap();
    env.name("bad").set(Filled::new(&[usize::MAX, 2], 0.0));
    env.resolve(DType::F64).unwrap();
    assert_eq!(env.save(&path).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(fs::read(&path).unwrap(), old);

    let missing = folder.path().join("none").join("m.safetensors");
    let rule = "expected a path in a folder that exists and can be written to.";
    let got = text(sample().save(&missing).unwrap_err());
    assert!(got.starts_with(&format!("Io: save: the file cannot be written. Got {:?} (", missing.display().to_string())), "{got}");
    assert!(got.ends_with(rule), "{got}");
    let got = text(sample().save(folder.path()).unwrap_err());
    assert_eq!(
        got,
        format!("Io: save: the file cannot be written. Got {:?} ({}); {rule}", folder.path().display().to_string(), is_a_directory())
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let (folder, _) = folder();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let got = text(sample().save(&socket).unwrap_err());
    assert!(got.contains("(not a regular file)"), "{got}");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (folder, path) = folder();
    sample().save(&path).unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&path), mode(&plain), "a new file is an ordinary one");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    VariableEnvironment::new().save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(VariableEnvironment::load(&path).unwrap().is_empty());
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let (folder, path) = folder();
    let name = |p: &Path| format!("{:?}", p.display().to_string());
    let got = text(VariableEnvironment::load(&path).unwrap_err());
    assert!(got.starts_with(&format!("Io: load: the file cannot be read. Got {} (", name(&path))), "{got}");
    assert!(got.ends_with("); expected a readable file."), "{got}");
    let got = text(VariableEnvironment::load(folder.path()).unwrap_err());
    assert_eq!(
        got,
        format!("Io: load: the file cannot be read. Got {} ({}); expected a readable file.", name(folder.path()), is_a_directory())
    );
    let e = VariableEnvironment::load(folder.path()).unwrap_err();
    assert_eq!((e.os_error().unwrap().raw_os_error(), e.path()), (Some(libc::EISDIR), Some(folder.path())));
}

/// `what. Got got; expected rule.` for bytes that are not a file.
fn refused(bytes: &[u8]) -> String {
    match read_from(bytes, bytes.len() as u64) {
        Err(Stop::Fault(f)) => format!("{}. Got {}; expected {}.", f.what, f.got, f.rule),
        Err(other) => format!("{other:?}"),
        Ok(_) => "accepted".to_owned(),
    }
}

#[test]
fn lying_files_are_refused() {
    let t = |dtype: &str, shape: &str, offsets: &str| format!(r#"{{"t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#);
    let own = |fields: &str| {
        format!(r#"{{"__metadata__":{{"format":"scirs2_autograd",{fields}}},"w":{{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}}"#)
    };
    let four = [0u8; 4];
    let not_table = "the header is not a table of tensors. Got";
    let cases: &[(Vec<u8>, &str)] = &[
        (vec![], "the file is too short. Got 0 bytes; expected at least 8 bytes, and a header."),
        (vec![0; 7], "the file is too short. Got 7 bytes; expected at least 8 bytes, and a header."),
        (vec![0; 8], &format!("{not_table} the end of the header; expected a table.")),
        (vec![255; 12], "the header is too long. Got 18446744073709551615 bytes; expected at most 4 bytes."),
        (file("{}", &[])[..9].to_vec(), "the header is too long. Got 2 bytes; expected at most 1 bytes."),
        (file("[]", &[]), &format!("{not_table} '[' at byte 0 of the header; expected a table.")),
        (file("{} x", &[]), &format!("{not_table} 'x' at byte 3 of the header; expected nothing after the table.")),
        (file("{\"a", &[]), &format!("{not_table} the end of the header; expected the end of a string.")),
        (file("{\"a\\", &[]), &format!("{not_table} the end of the header; expected the end of a string.")),
        (file(r#"{"\ud800":1}"#, &[]), &format!("{not_table} '\"' at byte 1 of the header; expected a string with valid escapes.")),
        (file("{\"a\":{\"dtype\":[[[[[[", &[]), &format!("{not_table} '[' at byte 14 of the header; expected a string.")),
        (file("{}", &[1]), "the file is too long. Got 1 bytes of data; expected the 0 bytes that its header lists."),
        (
            file(&t("F32", "[1]", "[0,4]"), &[0; 3]),
            "the file is too short. Got 3 bytes of data; expected the 4 bytes that its header lists.",
        ),
        (
            file(&t("F32", "[2]", "[0,4]"), &four),
            "offsets do not fit dtype and shape. Got offsets 0 to 4 of tensor \"t\"; expected 8 bytes.",
        ),
        (
            file(&t("F32", "[1]", "[4,0]"), &four),
            "offsets do not fit dtype and shape. Got offsets 4 to 0 of tensor \"t\"; expected 4 bytes.",
        ),
        (file(&t("F32", "[1]", "[4,8]"), &four), "tensors overlap or leave a gap. Got offset 4 of tensor \"t\"; expected 0."),
        (
            file(&t("F32", "[4294967296,4294967296]", "[0,4]"), &four),
            "a shape is too large. Got tensor \"t\"; expected a size in bytes below 2**63.",
        ),
        (
            file(&t("F32", "[9223372036854775807,0,4]", "[0,0]"), &[]),
            "a shape is too large. Got tensor \"t\"; expected a size in bytes below 2**63.",
        ),
        (
            file(&t("F32", "[99999999999999999999]", "[0,4]"), &four),
            "a number does not fit. Got 99999999999999999999 at byte 29 of the header; expected at most 64 bits.",
        ),
        (
            file(&t("F32", "[-1]", "[0,4]"), &four),
            &format!("{not_table} '-' at byte 29 of the header; expected an integer that is not negative."),
        ),
        (
            file(&t("F32", "[1.0]", "[0,4]"), &four),
            &format!("{not_table} '.' at byte 30 of the header; expected a comma, or the end of a list or table."),
        ),
        (
            file(&t("F32", &format!("[{}1]", "1,".repeat(64)), "[0,4]"), &four),
            "a list is too long. Got 65 integers; expected at most 64 axes.",
        ),
        (file(&t("F32", "[1]", "[0,4,4]"), &four), "a list is too long. Got 3 integers; expected two offsets."),
        (file(&t("F32", "[1]", "[0]"), &four), "a field is missing. Got tensor \"t\"; expected dtype, shape and two data_offsets."),
        (
            file(&t("F16", "[2]", "[0,4]"), &four),
            "a dtype is not supported. Got \"F16\" for tensor \"t\"; expected BOOL, I32, I64, F32 or F64.",
        ),
        (
            file(&t("BF16", "[2]", "[0,4]"), &four),
            "a dtype is not supported. Got \"BF16\" for tensor \"t\"; expected BOOL, I32, I64, F32 or F64.",
        ),
        (file(&t("F33", "[1]", "[0,4]"), &four), "unknown dtype. Got \"F33\" for tensor \"t\"; expected BOOL, I32, I64, F32 or F64."),
        (file(&t("BOOL", "[4]", "[0,4]"), &[0, 1, 2, 0]), "a bool is neither 0 nor 1. Got byte 2; expected 0 or 1."),
        (
            file(r#"{"t":{"dtype":"F32","dtype":"F32"}}"#, &[]),
            "an unknown or repeated field. Got \"dtype\" of tensor \"t\"; expected a table of dtype, shape and data_offsets.",
        ),
        (
            file(r#"{"t":{"x":1}}"#, &[]),
            "an unknown or repeated field. Got \"x\" of tensor \"t\"; expected a table of dtype, shape and data_offsets.",
        ),
        (
            file(r#"{"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#, &[]),
            "a name occurs twice. Got \"t\"; expected distinct names.",
        ),
        (file(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]), "a name occurs twice. Got \"__metadata__\"; expected distinct names."),
        (file(r#"{"__metadata__":{"a":1}}"#, &[]), &format!("{not_table} '1' at byte 21 of the header; expected a string.")),
        (file(&own(r#""version":"2""#), &four), "unknown version of the file. Got \"2\"; expected version \"1\"."),
        (file(&own(r#""v":"1""#), &four), "unknown version of the file. Got \"\"; expected version \"1\"."),
        (
            file(&own(r#""version":"1","seed":"-1""#), &four),
            "a counter is not a number. Got \"-1\" for seed; expected an integer of 64 bits.",
        ),
        (
            file(&own(r#""version":"1","seed":"1","run":"0","order":"[\"v\"]""#), &four),
            "the order of the variables does not fit. Got \"order\"; expected each tensor of the file once.",
        ),
        (
            file(&own(r#""version":"1","seed":"1","run":"0","order":"[\"w\",\"w\"]""#), &four),
            "the order of the variables does not fit. Got \"order\"; expected each tensor of the file once.",
        ),
        (
            file(&own(r#""version":"1","seed":"1","run":"0","order":"[]""#), &four),
            "the order of the variables does not fit. Got \"order\"; expected each tensor of the file once.",
        ),
        (file(&own(r#""version":"1","seed":"1","run":"0","order":"[\"w\"]""#), &four), "accepted"),
        (
            file(&own(r#""version":"1","seed":"1","run":"0","order":"[\"w\"]""#).replace("w", "%20"), &four),
            "a key is not a variable's. Got \"%20\"; expected a name as `save` writes it.",
        ),
        (
            file("{\"\u{1}\":1}", &[]),
            &format!("{not_table} '\\u{{1}}' at byte 2 of the header; expected a string without control characters."),
        ),
        ([&3u64.to_le_bytes()[..], &[b'{', 255, b'}']].concat(), "the header is not text. Got a bad byte at 1; expected UTF-8."),
    ];
    for (bytes, want) in cases {
        assert_eq!(&refused(bytes), want, "{}", String::from_utf8_lossy(bytes));
    }
    // A file that shrinks while it is read, and one longer than memory.
    let whole = file(&t("F32", "[1]", "[0,4]"), &four);
    let end = whole.len() - 2;
    assert!(matches!(read_from(&whole[..end], whole.len() as u64), Err(Stop::Fault(f)) if f.what == "the file ended while it was read"));
    assert!(
        matches!(read_from(&whole[..], u64::MAX), Err(Stop::Fault(f)) if f.what == "the file is too long" || f.what == "the file is too short")
    );
}

#[test]
fn errors_name_the_file() {
    let (_folder, path) = folder();
    fs::write(&path, file(r#"{"t":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#, &[0; 2])).unwrap();
    let got = text(VariableEnvironment::load(&path).unwrap_err());
    let name = path.display().to_string();
    let want = format!(
        "Format: load: a dtype is not supported. Got \"F16\" for tensor \"t\" in {name:?}; expected BOOL, I32, I64, F32 or F64.\n\
         help: convert the tensor to float32, float64, int32, int64 or bool with the program that wrote it"
    );
    assert_eq!(got, want);
}

/// Truncations, flips and repeats of a real file give an error or a file, and never a panic.
#[test]
fn damaged_files_never_panic() {
    let (_folder, path) = folder();
    sample().save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    for n in 0..good.len() {
        assert!(read_from(&good[..n], n as u64).is_err(), "cut at {n}");
        assert!(read_from(&good[..n], good.len() as u64).is_err(), "ends at {n}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(read_from(&longer[..], longer.len() as u64).is_err());
    let mut bad = good.clone();
    for i in 0..header {
        for value in (0..8).map(|b| good[i] ^ (1 << b)).chain([b'"', b'\\', b'[', b'{', b'9', b',', b' ', 0, 255]) {
            bad[i] = value;
            let read = read_from(&bad[..], bad.len() as u64);
            assert!(i >= 8 || value == good[i] || read.is_err(), "the length counts every byte");
        }
        bad[i] = good[i];
    }
    // Whole pieces moved: the reader's tables meet lists in wrong places.
    for i in (8..header).step_by(7) {
        for j in (8..header).step_by(11) {
            let n = 40.min(header - i).min(header - j);
            bad[i..i + n].copy_from_slice(&good[j..j + n]);
            let _ = read_from(&bad[..], bad.len() as u64);
            bad[i..i + n].copy_from_slice(&good[i..i + n]);
        }
    }
}
