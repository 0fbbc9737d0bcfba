//! The gamma function's logarithm and its first two derivatives in formulas. Below 0 by reflection.
//!
//! Each is a polynomial up to 3 and an asymptotic series, made minimax, above.

use std::f64::consts::PI;

use super::math::{abs, eq, gt, horner, log, log_in_two, lt, select, signbit};
use super::real::{Float, S};
use super::rounding::Rounded;
use super::sinc::half_turns;

/// From here on the asymptotic series hold.
const FAR: f64 = 3.0;
/// Up to here a function of x > 0 is made of that of 1 + x.
const SMALL: f64 = 0.625;

/// ln(Gamma(y)) for y >= [`SMALL`].
#[inline(always)]
fn log_gamma<T: Float, const M: u8>(y: S<T, M>) -> S<T, M> {
    // ln(Gamma(y)) / ((y - 1) (y - 2))
    let k = if T::F64 { 1.453125 } else { 1.4375 };
    let t = (y - k) / (y + k);
    let p = if T::F64 {
        horner!(t; 0.4901123616843504, -0.4419574316230574, 0.12855325823901756, -0.15214932735988165, 0.08551645052560902,
            -0.09387221408094033, 0.06394729993740277, -0.06808058308504969, 0.050989934231083306, -0.05344740469931204,
            0.04237760052594633, -0.0439956881672099, 0.03624384871660729, -0.03755202037931065, 0.03167239834612828,
            -0.03096994890722427, 0.028319887893194996, -0.038974645003684395, 0.022308833158214008, 0.012914162539607421,
            0.03736330547239261, -0.09297466374416907)
    } else {
        horner!(t; 0.49250510334968567, -0.4433477222919464, 0.12863080203533173, -0.152598038315773, 0.08562349528074265,
            -0.09446337819099426, 0.06334885954856873, -0.06329784542322159, 0.0547027587890625, -0.08074671030044556,
            0.04230959340929985)
    };
    let near = (y - 1.0) * (y - 2.0) * p;
    // ln(Gamma(y)) = (y - 1/2) (ln y - 1) + (ln(2 pi) - 1) / 2 + s / y
    let q = 1.0 / y;
    let z = q * q;
    let s = if T::F64 {
        horner!(z; 0.08333333333332149, -0.0027777777733924112, 0.0007936501934581897, -0.0005951954475553721, 0.0008399313934774275,
            -0.001867005847062433, 0.0054462817826314855, -0.016258543922068644, 0.03717690350448728, -0.04370233675658145)
    } else {
        horner!(z; 0.08333316445350647, -0.002769936341792345, 0.0006792396306991577)
    };
    let (high, low) = log_in_two(y);
    let d = y - 0.5;
    let far = d.fma(high - 1.0, d.fma(low, s.fma(q, S::lit(0.4189385332046727))));
    select(lt(y, FAR), near, far)
}

/// ln |Gamma(x)|: infinite at 0 and the negative integers.
#[inline(always)]
pub fn lgamma<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    let negative = lt(x, 0.0);
    // sin(pi a) / pi
    let sine = abs(half_turns(a).0);
    // Gamma(x) = Gamma(1 + x) / x for small x > 0. Below 0, -1 / Gamma(-a) is Gamma(1 + a) sin(pi a) / pi, or that of a Gamma(a).
    let up = lt(a, select(negative, S::lit(1.0), SMALL));
    let l = log_gamma(select(up, 1.0 + a, a));
    let turned = select(up, sine, sine * a);
    let quotient = select(negative, turned, select(up, a, 1.0));
    let y = select(negative, -l, l) - log(quotient);
    let y = select(negative & eq(sine, 0.0), f64::INFINITY, y);
    select(eq(a, f64::INFINITY), x, y)
}

/// The logarithmic derivative of Gamma: -infinity at 0, infinity at -0, NaN at the negative integers.
#[inline(always)]
pub fn digamma<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    // Also -0: the limit from below.
    let negative = signbit(x);
    let up = negative | lt(a, SMALL);
    let y = select(up, 1.0 + a, a);
    // y digamma(y) / (y - root)
    let t = (y - 1.5) / (y + 3.5);
    let (p, root_low) = if T::F64 {
        (
            horner!(t; 1.4265838140477494, 1.5780737205482107, 0.007731347541219357, 0.6792764320231377, -0.10843876010345871,
                0.5232022412699459, -0.1687068290759519, 0.4640773187787258, -0.20468038686696383, 0.433114344145472,
                -0.22775509370810176, 0.41373389442675107, -0.2438483160478339, 0.4003035461036368, -0.24891384407138376,
                0.3875489829076023, -0.3288392113238686, 0.4441814914607334),
            9.549995429965697e-17,
        )
    } else {
        (
            horner!(t; 1.4265837669372559, 1.5780733823776245, 0.007761561311781406, 0.6793631315231323, -0.11148392409086227,
                0.5179762840270996, -0.06968004256486893, 0.5635656714439392, -1.227819561958313),
            1.2438149938918909e-08,
        )
    };
    let near = ((y - 1.4616321449683622) - root_low) * p / y;
    // digamma(y) = ln y - 1 / (2 y) - s / y^2
    let q = 1.0 / y;
    let z = q * q;
    let s = if T::F64 {
        horner!(z; 0.0833333333333117, -0.008333333322854788, 0.003968252125333981, -0.00416649956101573, 0.00756666033374546,
            -0.020768705832892698, 0.07532648958682676, -0.2990603598363635, 1.0418652056470934, -2.5268656755209733,
            3.0009850462218233)
    } else {
        horner!(z; 0.08333241194486618, -0.00828645471483469, 0.003232737770304084)
    };
    let far = log(y) - s.fma(z, 0.5 * q);
    let y = select(lt(y, FAR), near, far);
    // digamma(-a) = digamma(1 + a) + pi / tan(pi a), and digamma(a) = digamma(1 + a) - 1 / a
    let (sine, cosine, _) = half_turns(a);
    let turn = select(negative, PI * cosine, -1.0) / select(negative, sine, a);
    let y = select(up, y + turn, y);
    select(negative & gt(a, 0.0) & eq(sine, 0.0), f64::NAN, y)
}

/// The second logarithmic derivative of Gamma: infinite at 0 and the negative integers.
#[inline(always)]
pub fn trigamma<T: Float + Rounded, const M: u8>(x: S<T, M>) -> S<T, M> {
    let a = abs(x);
    let negative = lt(x, 0.0);
    let up = negative | lt(a, SMALL);
    let y = select(up, 1.0 + a, a);
    // y^2 trigamma(y)
    let t = (y - 1.5) / (y + 3.5);
    let p = if T::F64 {
        horner!(t; 2.1033049512255286, 4.698070760534093, 5.539062787895023, 4.1295825363936665, 6.291995722568968,
            3.2107500002854095, 7.34268770075767, 2.0664730192198584, 8.547060878216705, 0.8266553696110803, 9.806087611064259,
            -0.4438175018256211, 11.095046885077085, -1.7048442724574582, 12.0913525693764, -3.160051474604586,
            16.444513837742566, -4.12782008925495, 4.18275124681371)
    } else {
        horner!(t; 2.103304862976074, 4.698070526123047, 5.539105415344238, 4.129672050476074, 6.288363933563232, 3.2042253017425537,
            7.431209564208984, 2.209808826446533, 8.401698112487793)
    };
    let near = p / (y * y);
    // trigamma(y) = 1 / y + 1 / (2 y^2) + s / y^3
    let q = 1.0 / y;
    let z = q * q;
    let s = if T::F64 {
        horner!(z; 0.16666666666662777, -0.03333333330748312, 0.023809517805103902, -0.033332628449314214, 0.07570837333390938,
            -0.25087302057926847, 1.0958347719898058, -5.4567549957019095, 25.84675964603675, -97.3831330184499,
            241.8527347228457, -286.2605010895854)
    } else {
        horner!(z; 0.16666631400585175, -0.03329979628324509, 0.022799639031291008, -0.020426789298653603)
    };
    let far = s.fma(q, S::lit(0.5)).fma(z, q);
    let y = select(lt(y, FAR), near, far);
    // trigamma(-a) = (pi / sin(pi a))^2 - trigamma(1 + a), and trigamma(a) = 1 / a^2 + trigamma(1 + a)
    let d = select(negative, half_turns(a).0, a);
    // A square that is no normal number would have lost digits.
    let (tiny, scale) = if T::F64 { (3.8725919148493183e-121, 2.037035976334486e90) } else { (8.881784197001252e-16, 1125899906842624.0) };
    let tiny = lt(abs(d), tiny);
    let d = select(tiny, d * scale, d);
    let turn = select(tiny, S::lit(scale * scale), 1.0) / (d * d);
    let y = select(up, turn + select(negative, -y, y), y);
    select(eq(x, f64::NEG_INFINITY), f64::INFINITY, y)
}
