//! Reads the machine code of the kernels: each AVX2 and AVX-512 one must be vector code without a call.
//!
//! A formula that LLVM does not vectorise, or a helper that it does not inline, gives right results ten times slower: no other test sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use scirs2_autograd::DType;
use scirs2_autograd::internals::{FORMULAS, Fold, Isa, fold, tile};

/// Where a kernel's symbol says what it is, in both of rustc's manglings: module, then function.
const KERNELS: [&str; 8] =
    ["4tile4avx2", "4tile6avx512", "4fold4avx2", "4fold6avx512", "4fold9avx2_rows", "4fold11avx512_rows", "5small4avx2", "5small6avx512"];

#[derive(Default)]
struct Code {
    calls: Vec<String>,
    packed: usize,
    /// Fused multiply-adds by the width of their registers: one element, 16, 32 and 64 bytes.
    fused: [usize; 4],
}

/// Reads a function's code. `names` are the functions by address.
fn read(code: &[u8], address: u64, names: &BTreeMap<u64, &str>) -> Code {
    let mut found = Code::default();
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    let mut i = Instruction::default();
    let end = address + code.len() as u64;
    while decoder.can_decode() {
        decoder.decode_out(&mut i);
        match i.flow_control() {
            FlowControl::IndirectCall => found.calls.push("a pointer".to_string()),
            // A jump out of the function is a tail call.
            FlowControl::Call | FlowControl::UnconditionalBranch if !(address..end).contains(&i.near_branch_target()) => {
                let name = names.get(&i.near_branch_target()).copied().unwrap_or("an unnamed function");
                found.calls.push(name.to_string());
            }
            _ => {}
        }
        found.packed += usize::from(is_packed(&i));
        let name = format!("{:?}", i.mnemonic()).to_lowercase();
        if name.starts_with("vfmadd") {
            let to = i.op_register(0);
            let scalar = name.ends_with("ss") || name.ends_with("sd");
            found.fused[if to.is_zmm() {
                3
            } else if to.is_ymm() {
                2
            } else {
                usize::from(!scalar)
            }] += 1;
        }
    }
    found
}

/// Does the instruction compute with, or move, more than one element?
fn is_packed(i: &Instruction) -> bool {
    let wide = |r: Register| r.is_ymm() || r.is_zmm();
    let registers = (0..i.op_count()).filter(|&k| i.op_kind(k) == OpKind::Register).map(|k| i.op_register(k));
    let mut any_xmm = false;
    for r in registers {
        if wide(r) {
            return true;
        }
        any_xmm |= r.is_xmm();
    }
    // A scalar instruction names xmm registers too; zeroing one is no sign of vector code.
    let name = format!("{:?}", i.mnemonic()).to_lowercase();
    let scalar = name.ends_with("ss") || name.ends_with("sd") || name.contains("2si") || name.contains("si2");
    any_xmm && !scalar && !matches!(i.mnemonic(), Mnemonic::Vmovd | Mnemonic::Vmovq | Mnemonic::Vxorps | Mnemonic::Vxorpd | Mnemonic::Vpxor)
}

/// Kernels of an instruction set in the library that are no vector code: the power of integers is a loop as long as each element's
/// exponent, for two dtypes.
const SCALAR: usize = 2;

/// Sums that a kernel of products holds in registers, at least.
const SUMS: usize = 12;

/// Uses every kernel, so that the linker keeps it.
fn keep() {
    let keep = |address: usize| _ = black_box(address);
    for isa in Isa::ALL {
        for dtype in DType::ALL {
            let samples = FORMULAS.iter().filter_map(|(_, s)| (s.forms)(isa, dtype));
            for forms in samples.chain([tile::select(isa, dtype)]) {
                forms.0.iter().flatten().for_each(|f| keep(*f as usize));
            }
            for to in DType::ALL {
                keep(tile::cast(isa, dtype, to) as usize);
            }
            for fold in [Fold::Sum, Fold::Product, Fold::Max, Fold::Min] {
                keep(fold::lines(isa, fold, dtype) as usize);
                keep(fold::memory(isa, fold, dtype) as usize);
                keep(fold::onto(isa, fold, dtype) as usize);
                keep(fold::pairwise(isa, fold, dtype) as usize);
            }
        }
    }
}

#[test]
fn every_kernel_is_vector_code_without_a_call() {
    if !cfg!(target_arch = "x86_64") {
        println!("not run: not an x86-64 machine");
        return;
    }
    keep();
    let given = std::env::var_os("SCIRS2_AUTOGRAD_DISASSEMBLE");
    let path = given.clone().map_or_else(|| std::env::current_exe().expect("this executable has a path"), Into::into);
    let bytes = std::fs::read(&path).expect("the executable can be read");
    let file = object::File::parse(&*bytes).expect("an object file");

    let texts = || file.symbols().filter(|s| s.kind() == SymbolKind::Text && s.size() > 0);
    let names: BTreeMap<u64, &str> = texts().filter_map(|s| Some((s.address(), s.name().ok()?))).collect();
    let (mut counts, mut failures, mut scalar) = (BTreeMap::new(), Vec::new(), BTreeMap::<_, Vec<String>>::new());
    // Identical functions may share their code under several symbols, and a symbol table may list one twice.
    let mut seen = BTreeSet::new();
    for symbol in texts() {
        let Ok(name) = symbol.name() else { continue };
        let Some(kind) = KERNELS.iter().rev().find(|k| name.contains(**k)) else { continue };
        if !seen.insert(name.to_string()) {
            continue;
        }
        let section = symbol.section_index().and_then(|i| file.section_by_index(i).ok()).expect("a function lies in a section");
        let code = section.data_range(symbol.address(), symbol.size()).expect("a readable section").expect("code inside the section");
        let found = read(code, symbol.address(), &names);
        *counts.entry(*kind).or_insert(0usize) += 1;
        if found.calls.is_empty() && found.packed == 0 {
            scalar.entry(*kind).or_default().push(name.to_owned());
        } else if !found.calls.is_empty() {
            failures.push(format!("{name}: {} packed instructions, calls {:?}", found.packed, found.calls));
        }
        // Blocks of products in other vectors than along their rows are slower than `gemm` by a factor of thirty.
        let whole = if kind.ends_with("avx512") { found.fused[3] } else { found.fused[2] };
        if kind.starts_with("5small") && (found.fused[0] + found.fused[1] > 0 || whole < SUMS) {
            failures.push(format!("{name}: multiply-adds of one element, 16, 32 and 64 bytes: {:?}", found.fused));
        }
    }
    println!("kernels read in {}: {counts:?}", path.display());
    // Whatever is not vector code beyond those is a failure.
    let allowed = if given.is_some() { SCALAR } else { 0 };
    failures
        .extend(scalar.into_values().filter(|names| names.len() > allowed).flatten().map(|name| format!("{name}: no packed instruction")));
    assert!(failures.is_empty(), "{} kernels:\n{}", failures.len(), failures.join("\n"));
    // A check that finds nothing has not passed. A library without ops has casts, selects and folds only; products are no part of this
    // executable.
    let least = if given.is_some() { [20, 20, 10, 10, 5, 5, 2, 2] } else { [90, 90, 20, 20, 10, 10, 0, 0] };
    for (kind, least) in KERNELS.iter().zip(least) {
        let count = counts.get(kind).copied().unwrap_or(0);
        assert!(count >= least, "{count} symbols contain {kind}, of {least} at least: {counts:?}");
    }
}
