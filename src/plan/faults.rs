//! What no program should bring about: an error that names the row, in release builds too, or a check that finds it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::access::Accesses;
use super::fuse::Group;
use super::ir::{Ir, IrNode, IrOp, Ref, Walked};
use super::simplify::fold_axes;
use super::step::Work;
use super::*;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::graph::attr::{Attr, AttrType, Slice, Slices};
use crate::graph::checkpoint::{Mark, Part};
use crate::ops::find;
use crate::shape::Ty;

fn node(op: IrOp, attrs: &[Attr], inputs: &[u32], dtype: DType, dims: &[usize]) -> IrNode {
    IrNode {
        op,
        attrs: attrs.into(),
        inputs: inputs.iter().map(|&node| Ref { node, out: 0 }).collect(),
        tys: [Ty { dtype, dims: dims.into() }].into_iter().collect(),
        walked: Walked(0),
        segment: 0,
        part: Part::default(),
        again: false,
    }
}

/// A source, and rows one after the other, each on the one before.
fn chain(dtype: DType, dims: &[usize], rows: &[&str]) -> Ir {
    let mut nodes = vec![node(IrOp::Source(0), &[], &[], dtype, dims)];
    for (i, name) in rows.iter().enumerate() {
        let def = find(name).unwrap();
        let inputs = vec![i as u32; def.arity()];
        nodes.push(node(IrOp::Row(def, None), &[], &inputs, dtype, dims));
    }
    let last = nodes.len() as u32 - 1;
    Ir { nodes, outputs: vec![Ref { node: last, out: 0 }], writes: vec![], marks: vec![] }
}

/// The state of a plan before its first pass.
fn begun(ir: Ir, kind: &dyn Fn(u32) -> Result<SourceKind>) -> State<'_> {
    begin(ir, kind, Box::leak(Box::default()), None)
}

/// The state of a plan before its memory is laid out.
fn ordered(ir: Ir, kind: &dyn Fn(u32) -> Result<SourceKind>) -> State<'_> {
    let mut state = begun(ir, kind);
    PASSES.iter().take_while(|p| p.name != "place").for_each(|p| (p.run)(&mut state).unwrap());
    state
}

fn feed(_: u32) -> Result<SourceKind> {
    Ok(SourceKind::Feed)
}

#[track_caller]
fn refused<T>(made: Result<T>, start: &str) {
    let e = made.err().expect("an error");
    assert_eq!(e.kind(), ErrorKind::Graph);
    assert!(e.to_string().starts_with(start) && e.to_string().contains("a fault of the engine"), "{e}");
}

#[test]
fn a_dtype_without_a_kernel() {
    for rows in [&["sin"][..], &["neg", "exp"], &["logical_not"]] {
        let ir = chain(DType::I64, &[100], rows);
        refused(compile(ir, &feed, &Memo::default()), &format!("{}: it has no kernel for its operands. Got %", rows[rows.len() - 1]));
    }
}

#[test]
fn a_value_that_no_step_computes() {
    for rows in [["batch_matmul", "sin"], ["batch_matmul", "batch_matmul"]] {
        let mut state = ordered(chain(DType::F64, &[8, 8], &rows), &feed);
        state.order.steps.remove(0);
        refused(place::place(&mut state), "batch_matmul: a value has no place in memory. Got output 0 of %1");
    }
}

#[test]
fn a_source_that_is_not_bound() {
    let mut state = ordered(chain(DType::F64, &[8], &["sin"]), &feed);
    state.plan.ir.nodes[0].op = IrOp::Row(find("sin").unwrap(), None);
    refused(place::place(&mut state), "sin: a value has no place in memory. Got output 0 of %0");
}

#[test]
fn a_variable_that_is_not_bound() {
    let mut state = ordered(chain(DType::F64, &[8], &["sin"]), &feed);
    state.plan.ir.writes.push((1, Ref { node: 1, out: 0 }));
    refused(place::place(&mut state), "assign: its variable is not bound. Got %1");
}

#[test]
fn steps_that_wait_for_each_other() {
    let ir = chain(DType::F64, &[8], &["sin", "cos", "exp"]);
    let (ir, accesses) = access::resolve(ir).unwrap();
    let group =
        |nodes: &[u32]| Group { nodes: nodes.to_vec(), tile: true, space: [8].into_iter().collect(), rows: None, cut: fuse::Cut::Nothing };
    let groups = [group(&[1, 3]), group(&[2])];
    refused(schedule::schedule(&ir, &accesses, &groups, &fuse::owners(&ir, &groups)), "plan: a step waits for itself. Got %1");
}

#[test]
fn a_reduction_without_axes() {
    refused(fold_axes("reduce_sum", &[], 2), "reduce_sum: a reduction has no axes. Got None");
    refused(fold_axes("reduce_sum", &[Attr::Int(0)], 2), "reduce_sum: a reduction has no axes");
    // Not fused, it would have become a sum over nothing.
    let made = compile(chain(DType::F64, &[2, 3], &["reduce_sum"]), &feed, &Memo::default());
    refused(made, "reduce_sum: a reduction has no axes");
}

#[test]
fn rows_that_no_step_can_compute() {
    refused(compile(chain(DType::F64, &[3], &["assign"]), &feed, &Memo::default()), "assign: no step can compute it. Got %1");
}

/// A plan for the sine of a part of 67 numbers, with what [`verify`] needs.
fn tail(kind: SourceKind, start: i64) -> (Plan, Accesses) {
    let slices = Slices([Slice { start: Some(start), stop: Some(67), step: 1 }].into()).pack();
    let n = 67 - start as usize;
    let nodes = vec![
        node(IrOp::Source(0), &[], &[], DType::F64, &[67]),
        node(IrOp::Row(find("strided_slice").unwrap(), None), &[slices], &[0], DType::F64, &[n]),
        node(IrOp::Row(find("sin").unwrap(), None), &[], &[1], DType::F64, &[n]),
    ];
    let ir = Ir { nodes, outputs: vec![Ref { node: 2, out: 0 }], writes: vec![], marks: vec![] };
    let kind = |_| Ok(kind);
    let mut state = ordered(ir, &kind);
    place::place(&mut state).unwrap();
    (state.plan, state.accesses)
}

fn load(plan: &mut Plan) -> &mut program::Load {
    match &mut plan.steps[0].work {
        Work::Tile(p) => &mut p.stages[0].loads[0],
        _ => panic!("a program"),
    }
}

#[test]
fn an_operand_is_read_in_place_up_to_the_end_of_its_root() {
    // 67 numbers of 8 bytes are 536 bytes, in a block with room for 576.
    let blocks = [SourceKind::Constant, SourceKind::Variable];
    for (kind, room) in blocks.map(|k| (k, 72)).into_iter().chain([(SourceKind::Feed, 67), (SourceKind::Capture, 67)]) {
        for start in [0, 3, 60, 66] {
            let (mut plan, accesses) = tail(kind, start);
            assert_eq!(load(&mut plan).readable, room - start as usize, "{kind:?} {start}");
            verify::plan(&plan, &accesses);
            let found = |change: &dyn Fn(&mut program::Load)| {
                let (mut plan, accesses) = tail(kind, start);
                change(load(&mut plan));
                catch_unwind(AssertUnwindSafe(|| verify::plan(&plan, &accesses))).is_err()
            };
            assert!(found(&|l| l.readable += 1) && found(&|l| l.offset += 8) && found(&|l| l.offset = -8), "{kind:?} {start}");
        }
    }
}

#[test]
fn a_step_that_leaves_its_memory_is_found() {
    let mut state = ordered(chain(DType::F64, &[8, 8], &["batch_matmul"]), &feed);
    place::place(&mut state).unwrap();
    let State { plan, accesses, .. } = state;
    verify::plan(&plan, &accesses);
    let mut plan = plan;
    plan.steps[0].inputs[0].strides[0] += 1;
    assert!(catch_unwind(AssertUnwindSafe(|| verify::plan(&plan, &accesses))).is_err());
}

/// The sine of a part of a source, its product with itself, and the exponential of that: two programs around a call.
fn around_a_call() -> Ir {
    let part = Slices([Slice { start: Some(1), stop: None, step: 1 }].into()).pack();
    let row = |name: &str| IrOp::Row(find(name).unwrap(), None);
    let nodes = vec![
        node(IrOp::Source(0), &[], &[], DType::F64, &[9, 8]),
        node(row("strided_slice"), &[part], &[0], DType::F64, &[8, 8]),
        node(row("sin"), &[], &[1], DType::F64, &[8, 8]),
        node(row("batch_matmul"), &[], &[2, 2], DType::F64, &[8, 8]),
        node(row("exp"), &[], &[3], DType::F64, &[8, 8]),
        node(row("mul"), &[], &[4, 2], DType::F64, &[8, 8]),
    ];
    Ir { nodes, outputs: vec![Ref { node: 5, out: 0 }], writes: vec![], marks: vec![] }
}

/// The state of its plan behind a pass, and the pass.
fn behind(name: &str) -> (State<'static>, &'static Pass) {
    let mut state = begun(around_a_call(), &feed);
    let last = PASSES.iter().position(|p| p.name == name).unwrap();
    PASSES[..=last].iter().for_each(|p| (p.run)(&mut state).unwrap());
    (state, PASSES[last])
}

fn program_of<'a>(state: &'a mut State<'_>, step: usize) -> &'a mut program::Program {
    match &mut state.plan.steps[step].work {
        Work::Tile(p) => p,
        _ => panic!("a program"),
    }
}

#[test]
fn each_pass_finds_what_is_wrong_behind_it() {
    type Fault = (&'static str, &'static str, fn(&mut State<'_>));
    let faults: [Fault; 24] = [
        ("simplify", "simplify: %2 has no type", |s| s.plan.ir.nodes[2].tys.clear()),
        ("simplify", "simplify: %2 uses the later %3", |s| s.plan.ir.nodes[2].inputs[0].node = 3),
        ("simplify", "simplify: %4 uses an output that does not exist", |s| s.plan.ir.nodes[4].inputs[0].out = 1),
        ("simplify", "simplify: an output does not exist", |s| s.plan.ir.outputs[0].node = 6),
        ("simplify", "simplify: a write goes to no variable", |s| s.plan.ir.writes.push((2, Ref { node: 4, out: 0 }))),
        ("bodies", "bodies: %3 uses an output that does not exist", |s| s.plan.ir.nodes[3].inputs[0].out = 1),
        ("rematerialise", "rematerialise: a mark is left", |s| s.plan.ir.marks.push((Ref { node: 2, out: 0 }, Mark::Recompute))),
        ("rematerialise", "rematerialise: %4 is of an earlier segment than %3", |s| s.plan.ir.nodes[3].segment = 1),
        ("rematerialise", "rematerialise: %3 is computed again at once", |s| s.plan.ir.nodes[3].again = true),
        ("resolve", "resolve: %4 uses the later %5", |s| s.plan.ir.nodes[4].inputs[0].node = 5),
        ("resolve", "access: %1 shows more than its root %0 holds", |s| s.plan.ir.nodes[1].tys[0].dims[0] = 9),
        ("fuse", "fuse: %2 is in 0 steps", |s| s.groups[0].nodes.clear()),
        ("fuse", "fuse: %4 is in 2 steps", |s| s.groups[0].nodes.push(4)),
        ("fuse", "fuse: the nodes of a step are out of order", |s| s.groups[2].nodes.reverse()),
        ("fuse", "fuse: %5 reads %4 of its own step from memory", |s| s.plan.ir.nodes[4].op = IrOp::Row(find("reduce_sum").unwrap(), None)),
        ("fuse", "fuse: a program holds a call", |s| s.groups.iter_mut().for_each(|g| g.tile = true)),
        ("schedule", "schedule: a step waits for itself", |s| _ = s.order.steps.pop()),
        ("schedule", "schedule: %3 runs before %2", |s| s.order.steps.swap(0, 1)),
        ("place", "place: step 2 reads %2 where it is no more", |s| {
            let product = s.plan.steps[1].outputs[0].loc;
            program_of(s, 2).stages[0].loads.iter_mut().filter(|l| l.root.node == 2).for_each(|l| l.loc = product);
        }),
        ("place", "place: step 0 has its scratch memory where %2 is", |s| {
            s.plan.steps[0].scratch.0 = program_of(s, 0).stages[0].stores[0].locs[0].offset;
        }),
        ("place", "place: step 0 has too little scratch memory", |s| s.plan.steps[0].scratch.1 = 0),
        ("place", "place: step 0 reads beyond %0", |s| program_of(s, 0).stages[0].loads[0].offset += 8),
        ("place", "place: output 0 is not in its memory at the end", |s| _ = s.plan.steps.pop()),
        ("place", "place: the first write is behind the end", |s| s.plan.first_write = 4),
    ];
    for pass in PASSES {
        (pass.verify)(&behind(pass.name).0);
        assert!(faults.iter().any(|(name, ..)| *name == pass.name), "{} has no fault here", pass.name);
    }
    for (name, text, change) in faults {
        let (mut state, pass) = behind(name);
        change(&mut state);
        let panic = catch_unwind(AssertUnwindSafe(|| (pass.verify)(&state))).expect_err(text);
        let found = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
        assert!(found.contains(text), "{name}: {found}; expected {text}");
    }
}
