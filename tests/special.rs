//! Activations and special functions where their values are known: at poles, zeros, and the points that theory fixes.

use std::f64::consts::PI;

use ndarray::arr0;
use scirs2_autograd::{run, tensor_ops as T};

#[path = "common/values.rs"]
mod values;
use values::{derivatives, near, same};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

#[test]
fn activations_have_the_published_subgradients_and_limits() {
    let [_, g, _] = derivatives(|x| T::hard_tanh(x, -1.0, 1.0), &[-2.0, -1.0, 0.0, 1.0, 2.0]);
    same(&g, &[0.0, 0.0, 1.0, 0.0, 0.0]);
    let [_, g, _] = derivatives(|x| T::leaky_relu(x, 0.25), &[-2.0, 0.0, 2.0]);
    same(&g, &[0.25, 0.25, 1.0]);
    // The branch that is not taken overflows.
    let [y, g, gg] = derivatives(|x| T::elu(x, 0.25), &[-1e4, 0.0, 1e4]);
    same(&y, &[-0.25, 0.0, 1e4]);
    same(&g, &[0.0, 0.25, 1.0]);
    same(&gg, &[0.0, 0.25, 0.0]);
    let [_, g, _] = derivatives(|alpha| T::elu(alpha * 0.0 + 1e4, alpha), &[1.0]);
    same(&g, &[0.0]);
    let [_, g, gg] = derivatives(|x| T::silu(x), &[-INF, -1e4, 1e4, INF]);
    near(&g, &[0.0, 0.0, 1.0, 1.0], 0.0);
    near(&gg, &[0.0; 4], 0.0);
}

#[test]
fn functions_of_gamma_have_their_known_values() {
    const EULER: f64 = 0.5772156649015329;
    let [y, g, gg] = derivatives(|x| T::lgamma(x), &[0.5, 1.0, 2.0, 5.0]);
    near(&y, &[PI.ln() / 2.0, 0.0, 0.0, 24f64.ln()], 1e-15);
    let psi = [-EULER - 4f64.ln(), -EULER, 1.0 - EULER, 25.0 / 12.0 - EULER];
    near(&g, &psi, 1e-15);
    let zeta2 = PI * PI / 6.0;
    near(&gg, &[PI * PI / 2.0, zeta2, zeta2 - 1.0, zeta2 - 205.0 / 144.0], 1e-15);
    // The derivative of order n at 1 is n! zeta(n + 1), up to the sign; zeta of even numbers has a closed form.
    let [y, g, gg] = derivatives(|x| T::polygamma(3, x), &[1.0, 0.5]);
    near(&y, &[PI.powi(4) / 15.0, PI.powi(4)], 1e-15);
    near(&g, &[-24.0 * 1.03692775514337, -24.0 * 31.0 * 1.03692775514337], 1e-15);
    near(&gg, &[8.0 * PI.powi(6) / 63.0, 8.0 * PI.powi(6)], 1e-14);
    // Reflection, where all terms count: digamma(1 - x) - digamma(x) = pi / tan(pi x), and its derivatives.
    let [y, g, gg] = derivatives(|x| T::digamma(1.0 - x) - T::digamma(x), &[2.25, -3.25]);
    near(&y, &[PI, -PI], 1e-14);
    near(&g, &[-2.0 * PI * PI, -2.0 * PI * PI], 1e-14);
    near(&gg, &[4.0 * PI.powi(3), -4.0 * PI.powi(3)], 1e-14);
    let [y, _, _] = derivatives(|x| T::lgamma(x), &[0.0, -0.0, -1.0, -1e20, INF]);
    same(&y, &[INF; 5]);
    let [y, g, _] = derivatives(|x| T::digamma(x), &[0.0, -0.0, -1.0, INF]);
    same(&y, &[-INF, INF, NAN, INF]);
    same(&g, &[INF, INF, INF, 0.0]);
}

#[test]
fn the_inverse_of_the_error_function_ends_at_1() {
    let [y, g, _] = derivatives(|x| T::erfinv(x), &[-1.0, 0.0, 1.0, 1.5]);
    same(&y, &[-INF, 0.0, INF, NAN]);
    near(&g[1..2], &[PI.sqrt() / 2.0], 1e-15);
    same(&[g[0], g[2], g[3]], &[INF, INF, NAN]);
}

#[test]
fn an_angle_has_no_gradient_at_the_origin_and_overflows_nowhere() {
    let angle = |a: f64, b: f64| {
        run(|ctx| {
            let (s, t) = (ctx.placeholder("a", &[]), ctx.placeholder("b", &[]));
            let y = T::arctan2(s, t);
            let g = T::grad(&[y], &[s, t]);
            let out = ctx.evaluator().push(y).extend(&g).feed(s, arr0(a)).feed(t, arr0(b)).run();
            out.into_iter().map(|a| a.unwrap().item().unwrap()).collect::<Vec<_>>()
        })
    };
    near(&angle(0.0, 0.0), &[0.0, 0.0, 0.0], 0.0);
    near(&angle(-0.0, -0.0), &[-PI, 0.0, 0.0], 0.0);
    near(&angle(1e200, 1e200), &[PI / 4.0, 5e-201, -5e-201], 1e-216);
}
