//! What programs are is told by a second interpreter: it leaves the bits in memory that the first one leaves, program by
//! program.

#[path = "common/random.rs"]
mod random;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/row_programs.rs"]
mod row_programs;

use std::cell::RefCell;

use reference::{difference, interpret};
use scirs2_autograd::internals::{
    Derived, Numbers, OpDef, Program, Sample, TABLE, accepted, build, derive, placeholders, prepare, set_weight, sizes,
};
use scirs2_autograd::{Context, DType, ErrorKind, Feeder, Result, Tensor, run, set_num_threads};

/// What was compared: programs, and those of several stages, panels or reductions; and what differs.
#[derive(Default)]
struct Seen {
    programs: usize,
    staged: usize,
    panels: usize,
    folds: usize,
    faults: Vec<String>,
}

impl Seen {
    /// Nothing yet. Small programs are cut into panels, which several threads take.
    fn new() -> Seen {
        set_weight(64);
        set_num_threads(3).unwrap();
        Seen::default()
    }

    /// Runs a request, and interprets each of its programs beside.
    fn compare(&mut self, ctx: &Context, what: &str, d: &Derived<'_>) -> Result<()> {
        let feeder = d.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(*t, a));
        let seen = RefCell::new(self);
        let watch = |p: &Program, bases: &[*mut u8], run: &mut dyn FnMut()| {
            // SAFETY: before the run the bases hold what the program reads, after it what it wrote.
            let left = unsafe { interpret(p, bases) };
            run();
            let mut seen = seen.borrow_mut();
            if let Some(text) = unsafe { difference(&left, bases) } {
                seen.faults.push(format!("{what}: {text}; {:?} {:?}", p.dims, p.tiling));
            }
            seen.programs += 1;
            seen.staged += usize::from(p.stages.len() > 1);
            seen.panels += usize::from(p.panels() > 1);
            seen.folds += usize::from(p.folds().count() > 1);
        };
        prepare(ctx, &d.tensors, &[], &feeder)?.watched(&watch).map(|_| ())
    }

    #[track_caller]
    fn end(self, least: [usize; 4]) {
        let Seen { faults, .. } = &self;
        assert!(faults.is_empty(), "{} of {} programs differ\n{}", faults.len(), self.programs, faults.join("\n"));
        let counts = [self.programs, self.staged, self.panels, self.folds];
        println!("programs, and those of several stages, panels and reductions: {counts:?}");
        assert!(counts.iter().zip(least).all(|(n, least)| *n >= least), "{counts:?}");
    }
}

/// The values of a row on a sample, and their gradients. What refuses the sample's values is left out.
fn row(seen: &mut Seen, def: &'static OpDef, s: &Sample) -> Result<()> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let feeds: Vec<_> = xs.into_iter().zip(s.inputs.iter().cloned()).collect();
        match derive(ctx, ys, feeds, 1).and_then(|d| seen.compare(ctx, def.name, &d)) {
            Err(e) if e.kind() == ErrorKind::LinAlg || e.kind() == ErrorKind::Value => Ok(()),
            other => other,
        }
    })
}

#[test]
fn rows_of_the_table() {
    let mut seen = Seen::new();
    for &def in TABLE.iter() {
        for (i, case) in (def.cases)().iter().enumerate() {
            let s = Sample::new(case, i as u64 + 1).unwrap();
            row(&mut seen, def, &s).unwrap();
            row(&mut seen, def, &s.converted(DType::F32).unwrap()).unwrap();
            // Lengths that are no multiple of a vector, or of a tile: of one case, for the others differ in attributes.
            for resized in sizes(case).iter().filter(|_| i == 0) {
                let s = Sample::new(resized, 7).unwrap();
                if accepted(def, &s).unwrap() {
                    row(&mut seen, def, &s).unwrap();
                }
            }
        }
    }
    seen.end([4000, 90, 300, 400]);
}

fn random<F>(seeds: std::ops::Range<u64>, make: F) -> Seen
where
    F: for<'g> Fn(&'g Context, u64, &mut Numbers) -> Result<(Vec<Tensor<'g>>, Vec<(Tensor<'g>, scirs2_autograd::Array)>)>,
{
    let mut seen = Seen::new();
    for seed in seeds {
        let mut r = Numbers::new(seed);
        let made = run(|ctx| {
            let (outputs, feeds) = make(ctx, seed, &mut r)?;
            let d = derive(ctx, outputs, feeds, r.below(2))?;
            if d.tensors.is_empty() { Ok(()) } else { seen.compare(ctx, &format!("seed {seed}"), &d) }
        });
        made.unwrap();
    }
    seen
}

#[test]
fn random_programs() {
    let rows = random::elementwise();
    random(0..750, |ctx, seed, r| random::program(ctx, seed, r, &rows)).end([1500, 50, 300, 100]);
}

#[test]
fn random_row_programs() {
    random(0..800, row_programs::program).end([1000, 600, 150, 600]);
}
