//! Programs in stages: rows that read back their own reductions give the bits of single operations.

use scirs2_autograd::Array;
use scirs2_autograd::Axes;
use scirs2_autograd::DType;
use scirs2_autograd::Plan;
use scirs2_autograd::internals::Numbers;
use scirs2_autograd::internals::Work;
use scirs2_autograd::internals::{agree, derive};
use scirs2_autograd::{Feeder, Result, Tensor, VariableEnvironment, run, tensor_ops as T};

/// The lengths of a space and how many of its first axes count the rows. Rows are shorter than a tile, as long, longer by a
/// bit, and several tiles long; they fill vectors or not.
const SPACES: [(&[usize], usize); 16] = [
    (&[30, 30], 1),
    (&[3, 3, 40], 2),
    (&[3, 7], 1),
    (&[130, 2], 1),
    (&[70, 8], 1),
    (&[600, 10], 1),
    (&[2, 512], 1),
    (&[3, 511], 1),
    (&[3, 520], 1),
    (&[2, 1030], 1),
    (&[3, 1536], 1),
    (&[2, 3, 40], 2),
    (&[2, 3, 40], 1),
    (&[5, 1, 30], 1),
    (&[4, 2, 301], 1),
    (&[2, 3, 2, 260], 2),
];

fn numbers(dtype: DType, dims: &[usize], r: &mut Numbers, hard: bool) -> Result<Array> {
    const HARD: [f64; 6] = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300];
    let x: Vec<f64> =
        (0..dims.iter().product()).map(|_| if hard && r.below(9) == 0 { HARD[r.below(6)] } else { 4.0 * r.unit() - 2.0 }).collect();
    match dtype {
        DType::F32 => Array::from_slice(&x.iter().map(|&v| v as f32).collect::<Vec<_>>(), dims),
        _ => Array::from_slice(&x, dims),
    }
}

/// The most stages of a program of the plan.
fn stages(plan: &Plan) -> usize {
    let of = |w: &Work| if let Work::Tile(p) = w { p.stages.len() } else { 0 };
    plan.steps.iter().map(|s| of(&s.work)).max().unwrap_or(0)
}

/// Whole values, of the full space, and rows' values grow from each other.
struct Pool<'g> {
    full: Vec<Tensor<'g>>,
    rows: Vec<Tensor<'g>>,
    axes: Vec<i64>,
}

impl<'g> Pool<'g> {
    fn grow(&mut self, r: &mut Numbers) {
        // Mostly the newest values, so that the stages are many.
        let recent = |list: &[Tensor<'g>], r: &mut Numbers| list[list.len() - 1 - r.below(list.len().min(4))];
        let (a, b, v) = (recent(&self.full, r), recent(&self.full, r), recent(&self.rows, r));
        match r.below(13) {
            // Values of the rows, but one for each column: these go through memory.
            12 if a.dims()[0] == a.dims()[1] => {
                let turned: Vec<i64> = [1, 0].into_iter().chain(2..a.ndim() as i64).collect();
                self.full.push(a + T::transpose(v, turned));
            }
            0 | 12 => self.full.push(a + b),
            1 => self.full.push(T::tanh(a)),
            2 => self.full.push(T::maximum(b, v)),
            3 => self.full.push(a - v),
            4 => self.full.push(T::select(T::greater(a, v), b, v)),
            5 => self.full.push(a * v),
            6 => self.rows.push(v * 0.5 + recent(&self.rows, r)),
            7 => self.rows.push(T::exp(-T::abs(v))),
            8 | 9 => self.rows.push(T::reduce_sum(a, Axes(Some(self.axes.clone().into())), true)),
            10 => self.rows.push(T::reduce_max(a, Axes(Some(self.axes.clone().into())), true)),
            _ => self.rows.push(T::reduce_logsumexp(a, Axes(Some(self.axes.clone().into())), true)),
        }
    }
}

fn program(seed: u64) -> Result<(usize, usize)> {
    let mut r = Numbers::new(seed);
    let (dims, rows) = SPACES[r.below(SPACES.len())];
    let dtype = [DType::F32, DType::F64][r.below(2)];
    run(|ctx| {
        let kept: Vec<usize> = dims.iter().enumerate().map(|(k, &n)| if k < rows { n } else { 1 }).collect();
        let column: Vec<usize> = dims.iter().enumerate().map(|(k, &n)| if k < rows { 1 } else { n }).collect();
        let mut feeds = vec![];
        for (name, dims) in [("a", dims), ("b", dims), ("row", &kept[..]), ("column", &column[..])] {
            let shape: Vec<isize> = dims.iter().map(|&n| n as isize).collect();
            feeds.push((ctx.placeholder_of(name, &shape, dtype), numbers(dtype, dims, &mut r, seed.is_multiple_of(4))?));
        }
        let [a, b, row, column] = [0, 1, 2, 3].map(|k| feeds[k].0);
        let axes = (rows as i64..dims.len() as i64).collect();
        let mut pool = Pool { full: vec![a * column, b], rows: vec![row], axes };
        (0..4 + r.below(24)).for_each(|_| pool.grow(&mut r));
        let outputs: Vec<Tensor<'_>> = match r.below(3) {
            0 => vec![pool.full[pool.full.len() - 1], pool.rows[pool.rows.len() - 1]],
            1 => pool.full.iter().skip(2).chain(&pool.rows).copied().filter(|_| r.below(4) == 0).collect(),
            _ => vec![T::sum_all(pool.full[pool.full.len() - 1])],
        };
        if outputs.is_empty() {
            return Ok((0, 0));
        }
        let mut feeder = Feeder::new();
        for (t, x) in &feeds {
            feeder = feeder.push(*t, x);
        }
        let order = r.below(3);
        let plan = ctx.evaluator().extend(&outputs).set_feeder(feeder).plan()?;
        Ok((stages(&plan), agree(ctx, &derive(ctx, outputs, feeds, order)?)?))
    })
}

#[test]
fn random_row_programs_give_the_bits_of_single_ops() {
    let (mut failures, mut compared, mut staged) = (vec![], 0, [0; 12]);
    for seed in 0..3000 {
        match program(seed) {
            Ok((stages, n)) => {
                staged[stages.min(11)] += 1;
                compared += n;
            }
            Err(e) => failures.push(format!("seed {seed}: {e:?}")),
        }
    }
    assert!(failures.is_empty(), "{} programs fail\n{}", failures.len(), failures.join("\n"));
    assert!(compared > 5000, "{compared}");
    assert!(staged[2..].iter().sum::<usize>() > 1000 && staged[6..].iter().sum::<usize>() > 100, "programs by their stages: {staged:?}");
}

/// Softmax, its loss and the gradients read and write each row once.
#[test]
fn softmax_is_one_step() {
    for (rows, cols) in [(64, 10), (64, 1000), (3, 512)] {
        run(|ctx| {
            let x = ctx.placeholder("x", &[rows, cols]);
            let y = ctx.placeholder("y", &[rows, cols]);
            let zeros = ndarray::Array2::<f64>::zeros((rows as usize, cols as usize));
            let loss = T::softmax_cross_entropy(x, y);
            let gradient = T::grad(&[loss], &[x])[0];
            for (what, t) in
                [("softmax", T::softmax(x, -1)), ("log_softmax", T::log_softmax(x, -1)), ("loss", loss), ("gradient", gradient)]
            {
                let plan = ctx.evaluator().push(t).feed(x, zeros.view()).feed(y, zeros.view()).plan().unwrap();
                assert_eq!(plan.steps.len(), 1, "{what} of {rows} x {cols}:\n{}", plan.explain());
                assert!(stages(&plan) > 2, "{what} of {rows} x {cols}:\n{}", plan.explain());
            }
        });
    }
}

/// A variable whose new value is there before its rows have been read to the end keeps its old value until they are.
#[test]
fn variables_are_not_written_while_their_rows_are_read() {
    for (rows, cols) in [(40, 16), (3, 700)] {
        let env = VariableEnvironment::new();
        let start = ndarray::Array2::from_shape_fn((rows, cols), |(i, j)| ((i * 31 + j * 17) % 97) as f64 + 1.0);
        let id = env.name("w").set(start.clone());
        env.run(|ctx| {
            let w = ctx.variable("w");
            let part = w / T::reduce_max(w, -1i64, true);
            let out = ctx.evaluator().write(T::assign(w, w * 0.5)).push(part).run();
            let most = |i: usize| start.row(i).iter().copied().fold(f64::MIN, f64::max);
            let expected = ndarray::Array2::from_shape_fn((rows, cols), |(i, j)| start[[i, j]] / most(i));
            assert_eq!(*out[0].as_ref().unwrap(), expected, "{rows} x {cols}");
        });
        assert_eq!(env.get(id).unwrap(), start * 0.5, "{rows} x {cols}");
    }
}

/// A variable that is scaled by a reduction of its own rows is read to the end before it is written.
#[test]
fn variables_can_be_scaled_by_their_own_rows() {
    for (rows, cols) in [(5, 3), (40, 16), (2, 512), (3, 700), (2, 1100)] {
        let env = VariableEnvironment::new();
        let start = ndarray::Array2::from_shape_fn((rows, cols), |(i, j)| ((i * 31 + j * 17) % 97) as f64 * 0.03 + 0.1);
        let id = env.name("w").set(start.clone());
        let mut expected = start;
        env.run(|ctx| {
            let w = ctx.variable("w");
            let total = T::reduce_sum(w, -1i64, true);
            let scaled = w / total + T::reduce_max(w / total, -1i64, true);
            for _ in 0..3 {
                ctx.evaluator().write(T::assign(w, scaled)).run();
                for mut row in expected.rows_mut() {
                    let total = row.sum();
                    row.mapv_inplace(|x| x / total);
                    let most = row.iter().copied().fold(f64::MIN, f64::max);
                    row.mapv_inplace(|x| x + most);
                }
            }
        });
        let found = env.get(id).unwrap();
        let found = found.view::<f64>().unwrap().into_dimensionality::<ndarray::Ix2>().unwrap().to_owned();
        let off = (&found - &expected).iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        assert!(off < 1e-12, "{rows} x {cols}: {off:e}");
    }
}
