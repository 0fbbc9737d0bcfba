//! Laws that weights are started from.

use ndarray::{Array2, ArrayD};
use scirs2_autograd::ndarray_ext::{ArrayRng, Law};

fn moments(a: &ArrayD<f64>) -> (f64, f64) {
    let mean = a.mean().unwrap();
    (mean, a.mapv(|x| (x - mean) * (x - mean)).mean().unwrap())
}

/// Five standard errors of the mean; 5 % of the variance.
fn follows(name: &str, a: &ArrayD<f64>, mean: f64, var: f64) {
    let (m, v) = moments(a);
    let error = 5.0 * (var / a.len() as f64).sqrt();
    assert!((m - mean).abs() < error && (v / var - 1.0).abs() < 0.05, "{name}: {m} {v}, not {mean} {var}");
}

#[test]
fn deviations_follow_from_the_fans() {
    let r = ArrayRng::<f64>::from_seed(3);
    // A dense matrix, and the kernel of a convolution in groups: (out, in of a group, height, width).
    for (shape, fan_in, fan_out) in [(vec![300, 200], 300.0, 200.0), (vec![64, 16, 3, 5], 240.0, 960.0), (vec![40, 20, 60], 1200.0, 2400.0)]
    {
        let laws = [
            (Law::GlorotUniform, 2.0 / (fan_in + fan_out)),
            (Law::GlorotNormal, 2.0 / (fan_in + fan_out)),
            (Law::HeUniform, 2.0 / fan_in),
            (Law::HeNormal, 2.0 / fan_in),
            (Law::LecunUniform, 1.0 / fan_in),
            (Law::LecunNormal, 1.0 / fan_in),
        ];
        for (law, var) in laws {
            let a = r.draw(&shape, law).unwrap();
            follows(&format!("{law:?} {shape:?}"), &a, 0.0, var);
            if matches!(law, Law::GlorotUniform | Law::HeUniform | Law::LecunUniform) {
                assert!(a.iter().all(|x| x.abs() <= (3.0 * var).sqrt()));
            }
        }
    }
    assert_eq!(r.lecun_uniform(&[3, 4]).shape(), [3, 4]);
    assert_eq!(r.lecun_normal(&[]).shape(), [0usize; 0]);
}

/// Mean and variance are those of SciPy 1.17's `truncnorm`.
#[test]
fn the_normal_law_between_bounds() {
    let r = ArrayRng::<f64>::from_seed(4);
    let inf = f64::INFINITY;
    let cases = [
        (0.0, 1.0, -2.0, 2.0, 0.0, 0.7737413035499232),
        (1.0, 2.0, -1.0, 1.5, 0.3423609141194024, 0.48934308849163966),
        (0.0, 1.0, 3.0, inf, 3.28309865493044, 0.07055918678525586),
        (0.0, 1.0, -4.5, -4.0, -4.168079589578317, 0.016768643013065576),
        (5.0, 0.5, -1000.0, 4.0, 3.81339223358858, 0.028569775103520823),
        (0.0, 1.0, 0.5, 3.5, 1.13910817856068, 0.2634948972425726),
        (0.0, 1.0, -0.5, 2.0, 0.4457437782725149, 0.37659383613683584),
        (0.0, 1.0, 8.0, 8.01, 8.004933299013643, 8.330625566488337e-06),
        (0.0, 3.0, -inf, inf, 0.0, 9.0),
    ];
    for (mean, stddev, low, high, m, v) in cases {
        let a = r.truncated_normal(&[200, 500], mean, stddev, low, high);
        assert!(a.iter().all(|x| low <= *x && *x <= high));
        follows(&format!("{mean} {stddev} {low} {high}"), &a, m, v);
    }
    // Halves of the law lie below its median.
    let a = r.truncated_normal(&[100_000], 0.0, 1.0, 3.0, inf);
    let below = a.iter().filter(|x| **x < 3.2051549205989334).count();
    assert!(below.abs_diff(50_000) < 800, "{below}");
}

#[test]
fn bounds_at_their_ends() {
    let r = ArrayRng::<f64>::from_seed(5);
    let inf = f64::INFINITY;
    let one = |mean, stddev, low, high| r.truncated_normal(&[], mean, stddev, low, high).sum();
    assert_eq!(one(0.0, 1.0, 2.0, 2.0), 2.0);
    assert_eq!(one(1.0, 0.0, -2.0, 2.0), 1.0);
    assert_eq!(one(0.0, 1e-300, 1e10, inf), 1e10);
    assert_eq!(one(0.0, 1e-300, -inf, -1e10), -1e10);
    assert!((one(0.0, 1.0, 1e200, inf) / 1e200 - 1.0).abs() < 1e-12);
    assert!((one(0.0, 1.0, -inf, -1e9) / 1e9 + 1.0).abs() < 1e-12);
    for (mean, stddev, low, high) in [
        (0.0, 1.0, 2.0, 1.0),
        (0.0, -1.0, 0.0, 1.0),
        (f64::NAN, 1.0, 0.0, 1.0),
        (0.0, 1.0, f64::NAN, 1.0),
        (0.0, 1.0, inf, inf),
        (0.0, 1.0, -inf, -inf),
        (5.0, 0.0, 0.0, 1.0),
    ] {
        assert!(one(mean, stddev, low, high).is_nan(), "{mean} {stddev} {low} {high}");
    }
    let f = ArrayRng::<f32>::from_seed(5).truncated_normal(&[1000], 0.0, 1.0, -0.1, 0.1);
    assert!(f.iter().all(|x| x.abs() <= 0.1f32));
}

fn matrix(a: ArrayD<f64>) -> Array2<f64> {
    let rows = a.shape().first().copied().unwrap_or(1);
    let columns = a.len() / rows;
    a.into_shape_with_order((rows, columns)).unwrap()
}

#[test]
fn orthogonal_matrices() {
    let r = ArrayRng::<f64>::from_seed(6);
    for (shape, gain) in [
        (vec![], 1.0),
        (vec![1], 2.0),
        (vec![7], 1.0),
        (vec![5, 5], 1.0),
        (vec![60, 20], 1.5),
        (vec![20, 60], -0.5),
        (vec![8, 4, 3, 3], 1.0),
        (vec![100, 4, 3], 1.0),
        (vec![150, 150], 0.0),
    ] {
        let q = matrix(r.orthogonal(&shape, gain));
        let product = if q.nrows() < q.ncols() { q.dot(&q.t()) } else { q.t().dot(&q) };
        for ((i, j), x) in product.indexed_iter() {
            let expected = if i == j { gain * gain } else { 0.0 };
            assert!((x - expected).abs() <= 1e-12, "{shape:?}: {x} at {i}, {j}");
        }
    }
    assert_eq!(r.orthogonal(&[0, 3], 1.0).shape(), [0, 3]);
    assert!(r.orthogonal(&[3, 3], f64::NAN).iter().all(|x| x.is_nan()));
    let f = ArrayRng::<f32>::from_seed(6).orthogonal(&[4, 4], 1.0);
    assert!((f.iter().map(|x| x * x).sum::<f32>() - 4.0).abs() < 1e-5);
    let seeded = || ArrayRng::<f64>::from_seed(9).orthogonal(&[30, 20], 1.0);
    assert_eq!(seeded(), seeded());
    assert!(r.draw(&[1 << 62, 8], Law::Orthogonal { gain: 1.0 }).is_err());
}

/// Uniformly distributed ones have elements of mean 0 and variance 1 / n; without the signs of the triangular factor the diagonal has
/// another mean.
#[test]
fn orthogonal_matrices_are_uniformly_distributed() {
    let r = ArrayRng::<f64>::from_seed(7);
    let mut first = vec![];
    let mut signs = 0;
    for _ in 0..4000 {
        let q = matrix(r.orthogonal(&[3, 3], 1.0));
        first.push(q[[0, 0]]);
        let d = q[[0, 0]] * (q[[1, 1]] * q[[2, 2]] - q[[1, 2]] * q[[2, 1]]) - q[[0, 1]] * (q[[1, 0]] * q[[2, 2]] - q[[1, 2]] * q[[2, 0]])
            + q[[0, 2]] * (q[[1, 0]] * q[[2, 1]] - q[[1, 1]] * q[[2, 0]]);
        signs += i32::from(d > 0.0);
    }
    follows("corner", &ndarray::arr1(&first).into_dyn(), 0.0, 1.0 / 3.0);
    assert!((signs - 2000).abs() < 160, "as many rotations as reflections: {signs}");
}
