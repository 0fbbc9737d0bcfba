//! Finds the library of feature `blas`, and nothing else.

use std::env;
use std::path::{Path, PathBuf};

/// A directory with `libscipy_openblas.so` or `libopenblas.so`, or `none`.
const CHOICE: &str = "SCIRS2_AUTOGRAD_BLAS";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(blas_prefix, openblas)");
    if env::var_os("CARGO_FEATURE_BLAS").is_none() {
        return;
    }
    println!("cargo::rerun-if-env-changed={CHOICE}");
    match env::var_os(CHOICE) {
        // The final binary links what it likes, be that OpenBLAS or not.
        Some(choice) if choice == "none" => {}
        Some(directory) => from(Path::new(&directory)),
        None => installed(),
    }
}

fn installed() {
    #[cfg(feature = "blas")]
    match pkg_config::Config::new().probe("openblas") {
        Ok(_) => println!("cargo::rustc-cfg=openblas"),
        Err(_) => fail("OpenBLAS is missing. Got nothing from pkg-config; expected a library"),
    }
}

fn from(directory: &Path) {
    for (file, name, prefix) in [("libscipy_openblas.so", "scipy_openblas", true), ("libopenblas.so", "openblas", false)] {
        let library = directory.join(file);
        if !library.is_file() {
            continue;
        }
        // Cargo lets programs that it runs find libraries in this directory alone.
        let link = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
        let at = link.join(file);
        _ = std::fs::remove_file(&at);
        #[cfg(unix)]
        if let Err(e) = std::os::unix::fs::symlink(&library, &at) {
            return fail(&format!("{} cannot be written. Got {e}; expected a link to {}", at.display(), library.display()));
        }
        println!("cargo::rustc-link-search=native={}", link.display());
        println!("cargo::rustc-link-lib=dylib={name}");
        println!("cargo::rustc-cfg=openblas");
        if prefix {
            println!("cargo::rustc-cfg=blas_prefix");
            // Beside the extension module, where pip installs it.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-rpath,$ORIGIN/../scipy_openblas32/lib");
        }
        return;
    }
    fail(&format!(
        "{CHOICE} names no library. Got {}; expected a directory with libscipy_openblas.so or libopenblas.so, or none",
        directory.display()
    ));
}

fn fail(what: &str) {
    println!("cargo::error=feature blas: {what}.");
    println!(
        "cargo::error=help: install libopenblas-dev and pkg-config, or `pip install scipy-openblas32` and set {CHOICE} to what \
              `python -c 'import scipy_openblas32 as b; print(b.get_lib_dir())'` prints"
    );
}
