//! Programs in stages: rows that read back their own reductions give the bits of single operations.

#[path = "common/row_programs.rs"]
mod row_programs;

use scirs2_autograd::Plan;
use scirs2_autograd::internals::Numbers;
use scirs2_autograd::internals::Work;
use scirs2_autograd::internals::{agree, derive};
use scirs2_autograd::{DType, Feeder, Result, VariableEnvironment, run, tensor_ops as T};

/// The most stages of a program of the plan.
fn stages(plan: &Plan) -> usize {
    let of = |w: &Work| if let Work::Tile(p) = w { p.stages.len() } else { 0 };
    plan.steps.iter().map(|s| of(&s.work)).max().unwrap_or(0)
}

fn program(seed: u64) -> Result<(usize, usize)> {
    let mut r = Numbers::new(seed);
    run(|ctx| {
        let (outputs, feeds) = row_programs::program(ctx, seed, &mut r)?;
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

/// Rows of several tiles, each of several blocks, in all ways in which rows are reduced.
#[test]
fn rows_of_wide_tiles_are_reduced_exactly() {
    for cols in [600, 1000, 1024, 1025, 1536, 2048, 3001] {
        let x = ndarray::Array2::from_shape_fn((9, cols), |(i, j)| ((i * 31 + j * 17) % 7) as f32 - 3.0);
        let totals = x.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
        let expected = &x - &totals;
        run(|ctx| {
            let t = ctx.placeholder_of("x", &[9, cols as isize], DType::F32);
            let y = t - T::reduce_sum(t, -1i64, true);
            let outputs = [y, T::reduce_max(y, -1i64, false), T::reduce_sum(y, 0i64, false), T::reduce_sum(y, (), false)];
            let all = || ctx.evaluator().extend(&outputs).feed(t, x.view());
            let plan = all().plan().unwrap();
            let widest = plan.steps.iter().filter_map(|s| if let Work::Tile(p) = &s.work { Some(p.tile) } else { None }).max();
            assert_eq!(widest, Some(1024), "{}", plan.explain());
            let found: Vec<Vec<f32>> =
                all().run().into_iter().map(|v| v.unwrap().view::<f32>().unwrap().iter().copied().collect()).collect();
            let most = expected.map_axis(ndarray::Axis(1), |row| row.iter().copied().fold(f32::MIN, f32::max));
            assert!(found[0].iter().eq(&expected), "{cols} columns");
            assert!(found[1].iter().eq(&most), "maxima of {cols} columns");
            assert!(found[2].iter().eq(&expected.sum_axis(ndarray::Axis(0))), "sums of {cols} columns");
            assert_eq!(found[3], [expected.sum()], "sum of {cols} columns");
        });
    }
}
