//! Connectionist temporal classification: the likelihood of a sequence of labels, whatever times they stand at.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Slice, Slices, Text, Widths};
use crate::graph::op::{Cotangent, OpDef};
use crate::kernels;
use crate::ops::apply::cast;
use crate::ops::arithmetic::maximum;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{equal, greater, greater_equal, less, logical_and, not_equal};
use crate::ops::composite::reduction::{Reduction, reduced};
use crate::ops::index::{take, take_along_axis};
use crate::ops::joining::stack;
use crate::ops::log_sum::logaddexp;
use crate::ops::movement::{expand_dims, merge_axes, squeeze};
use crate::ops::padding::pad_filled;
use crate::ops::positions::{iota, known_length};
use crate::ops::reduce::reduce_logsumexp;
use crate::ops::scan::cumsum;
use crate::ops::select::select;
use crate::ops::slice::{concat, slice_along, strided_slice};
use crate::ops::unpack::attr;
use crate::shape::{Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CTC_LOSS, &CHECK_COUNTS];

/// A label that is not looked at: where a shorter sequence is filled up.
const NONE: i64 = i64::MIN;

row! {
    /// `x` itself; an integer less than `least`, more than `most`, or `except`, is an error of the run, `what` its name. The least of all
    /// `int64` stands for none, and is let through.
    ///
    /// Gradient: none.
    pub(crate) CHECK_COUNTS = fn check_counts(x: integer; least: i64 = 0, most: i64, except: i64 = -1, what: Text) -> y
    shape(c) {
        if !x.dtype.is_int() {
            return c.dtype_error("counts are no integers", x.dtype, "int32 or int64");
        }
        Ok(smallvec![x.clone()])
    };
    kernel call!(true, |[x] -> [y], c| {
        let [least, most, except, what] = c.attrs else { return Err(crate::ops::unpack::arity(c.op)) };
        let bounds: [i64; 2] = [attr(Some(least))?, attr(Some(most))?];
        let what: Text = attr(Some(what))?;
        kernels::check::counts(c.ranges, c.op, *x, &what.0, bounds, attr(Some(except))?)?;
        kernels::movement::copy(c.ranges, *x, y)
    });
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Elementwise;
    numpy "x";
    exempt First, Second: "it has no floating input, or no floating result";
    exempt Narrow: "its samples are integers";
    case index(4)[5] with most = 3, what = "a label";
    refuses f64[2] with most = 3, what = "a label" => "check_counts: counts are no integers. Got float64; expected int32 or int64.";
}

/// A batch of sequences of scores.
struct Batch<'g> {
    /// Logarithms of probabilities, (steps, samples, classes).
    x: Tensor<'g>,
    steps: usize,
    classes: usize,
    /// No axis of samples was given.
    alone: bool,
}

const OP: &str = "ctc_loss";

fn refused(kind: ErrorKind, what: &str, got: impl std::fmt::Display, rule: impl std::fmt::Display) -> Error {
    Error::new(kind, OP, what, got, rule)
}

impl<'g> Batch<'g> {
    fn new(x: Tensor<'g>) -> Result<Batch<'g>> {
        let alone = x.ndim() == 2;
        if !alone && x.ndim() != 3 {
            let rule = "shape (steps, samples, classes) or (steps, classes)";
            return Err(refused(ErrorKind::Shape, "the scores have the wrong number of axes", Tuple(x.dims()), rule));
        }
        let x = if alone { expand_dims(x, 1) } else { x };
        Ok(Batch { x, steps: known_length(OP, x, 0)?, classes: known_length(OP, x, 2)?, alone })
    }

    fn samples(&self) -> Dim {
        self.x.dims().get(1).copied().unwrap_or(Dim::Known(1))
    }

    /// Lengths, one a sample.
    fn lengths(&self, name: &str, t: Tensor<'g>, most: i64) -> Result<Tensor<'g>> {
        if !t.dtype().is_int() {
            let what = format!("`{name}` are not integers");
            return Err(refused(ErrorKind::DType, &what, t.dtype(), "int32 or int64"));
        }
        let t = if self.alone && t.ndim() == 0 { expand_dims(t, 0) } else { t };
        if !matches!(*t.dims(), [n] if n.unify(self.samples()).is_some()) {
            let rule = format_args!("one a sample, of shape {}", Tuple(&[self.samples()]));
            return Err(refused(ErrorKind::Shape, &format!("`{name}` do not fit"), format_args!("shape {}", Tuple(t.dims())), rule));
        }
        Ok(check_counts(cast(t, DType::I64), 0, most, -1, format!("one of `{name}`")))
    }

    /// The labels, (samples, length), and their lengths; those behind the length of a sample are [`NONE`].
    fn labels(&self, targets: Tensor<'g>, lengths: Tensor<'g>) -> Result<(Tensor<'g>, Tensor<'g>, usize)> {
        if !targets.dtype().is_int() {
            return Err(refused(ErrorKind::DType, "`targets` are not integers", targets.dtype(), "int32 or int64"));
        }
        let together = targets.ndim() == 1 && !self.alone;
        let targets = if targets.ndim() == 1 && self.alone { expand_dims(targets, 0) } else { targets };
        let fits = match *targets.dims() {
            [_] => together,
            [n, _] => n.unify(self.samples()).is_some(),
            _ => false,
        };
        if !fits {
            let got = format_args!("{} for scores of shape {}", Tuple(targets.dims()), Tuple(self.x.dims()));
            return Err(refused(
                ErrorKind::Shape,
                "`targets` do not fit",
                got,
                "shape (samples, length), or all labels one after the other",
            ));
        }
        let most = known_length(OP, targets, targets.ndim().saturating_sub(1))?;
        let lengths = self.lengths("target_lengths", lengths, most as i64)?;
        let places = iota(targets.graph(), most as i64);
        let inside = less(places, expand_dims(lengths, 1));
        let targets = cast(targets, DType::I64);
        let labels = if together {
            // Where the labels of each sample end: those of the last one at the end.
            let ends = cumsum(lengths, 0);
            let (all, last) = (most as i64, slice_along(ends, 0, Some(-1), None));
            let last = check_counts(last, all, all, -1, "the sum of `target_lengths`");
            let ends = concat(&[slice_along(ends, 0, None, Some(-1)), last], 0);
            let at = select(inside, expand_dims(ends - lengths, 1) + places, 0i64);
            if most == 0 { at } else { take(targets, at, Some(0)) }
        } else {
            targets
        };
        Ok((select(inside, labels, NONE), lengths, most))
    }
}

/// The columns of `x` from `first` on, `n` of them.
fn columns(x: Tensor<'_>, first: usize, n: usize) -> Tensor<'_> {
    strided_slice(x, Slices([Slice::ALL, Slice { start: Some(first as i64), stop: Some((first + n) as i64), step: 1 }].into()))
}

/// The negative logarithm of the likelihood of each sample's labels.
fn likelihoods<'g>(b: &Batch<'g>, targets: Tensor<'g>, input: Tensor<'g>, target: Tensor<'g>, blank: i64) -> Result<[Tensor<'g>; 2]> {
    let input = b.lengths("input_lengths", input, b.steps as i64)?;
    let (labels, lengths, most) = b.labels(targets, target)?;
    let labels = maximum(check_counts(labels, 0, b.classes as i64 - 1, blank, "a label"), 0i64);
    // A blank in front of each label, and one behind the last.
    let n = 2 * most + 1;
    let between = b.x.graph().literal(blank.into(), DType::I64);
    let pairs = merge_axes(stack(&[broadcast_like(between, labels), labels], 2), 1, 2);
    let all = pad_filled(pairs, between, Widths([[0, 0], [0, 1]].into()));
    let scores = take_along_axis(b.x, expand_dims(all, 0), Some(2));
    // From a label to the next one without a blank, unless they are equal.
    let two = pad_filled(all, between, Widths([[0, 0], [2, 0]].into()));
    let leaps = logical_and(not_equal(all, blank), not_equal(all, columns(two, 0, n)));
    let never = b.x.graph().literal(f64::NEG_INFINITY.into(), b.x.dtype());
    let at = |t: i64| squeeze(slice_along(scores, 0, Some(t), Some(t + 1)), 0);
    let places = iota(b.x.graph(), n as i64);
    // Before the first step only the first blank is reached, from where it leads to itself and to the first label.
    let mut reached = broadcast_like(select(less(places, 1i64), 0.0, never), squeeze(slice_along(scores, 0, None, Some(1)), 0));
    for t in 0..b.steps as i64 {
        let wide = pad_filled(reached, never, Widths([[0, 0], [2, 0]].into()));
        let by_one = logaddexp(reached, columns(wide, 1, n));
        let next = logaddexp(by_one, select(leaps, columns(wide, 0, n), never)) + at(t);
        reached = select(greater(expand_dims(input, 1), t), next, reached);
    }
    let ends = expand_dims(lengths * 2i64, 1);
    let last = logical_and(greater_equal(places, ends - 1i64), less(places, ends + 1i64));
    let loss = -reduce_logsumexp(select(last, reached, never), 1i64, false);
    Ok([loss, lengths])
}

row! {
    /// The loss of connectionist temporal classification (Graves and others 2006): the negative logarithm of the probability that a path through
    /// the classes, one a step, gives the labels, after equal neighbours are taken as one and blanks are left out. `log_probs` are logarithms
    /// of probabilities, as `log_softmax` gives them, `(steps, samples, classes)`, or `(steps, classes)` of one sample. The labels `targets`
    /// are (samples, length), of which `target_lengths` count, or those of all samples one after the other; of the steps `input_lengths`
    /// count. All are integers, the lengths one a sample.
    ///
    /// A label that is no class, or the blank, and a length that does not fit are errors of the run. Where no path gives the labels the loss is
    /// inf, or 0 with `zero_infinity`; its gradient is 0 either way. The mean is that of the losses over the lengths of their labels, at
    /// least 1.
    ///
    /// Gradient: minus `g` times the probability that the path to the labels is in the class at the step, by the recurrence itself; every order.
    pub CTC_LOSS = fn ctc_loss(
        log_probs: float, targets: any, input_lengths: any, target_lengths: any;
        blank: i64 = 0, reduction: Reduction = Reduction::Mean, zero_infinity: bool = false
    ) -> loss
    body {
        let b = Batch::new(log_probs)?;
        if !(0..b.classes as i64).contains(&blank) {
            return Err(refused(ErrorKind::Shape, "`blank` is no class", format_args!("blank={blank} of {} classes", b.classes), "a class"));
        }
        if b.steps == 0 {
            return Err(refused(ErrorKind::Shape, "the scores have no steps", Tuple(log_probs.dims()), "one step at least"));
        }
        let [loss, lengths] = likelihoods(&b, targets, input_lengths, target_lengths, blank)?;
        let loss = if zero_infinity { select(equal(loss, f64::INFINITY), 0.0, loss) } else { loss };
        match reduction {
            Reduction::None if b.alone => squeeze(loss, 0),
            Reduction::None => loss,
            Reduction::Sum => reduced(loss, reduction),
            Reduction::Mean => reduced(loss / cast(maximum(lengths, 1i64), loss.dtype()), reduction),
        }
    }
    numpy "ref.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)";
    example "T.ctc_loss(np.log([[[0.5, 0.5]], [[0.5, 0.5]]]), [[1]], [2], [1], reduction=\"none\")" => "[0.28768207]";
    exempt Unknown: "it needs the numbers of steps, labels and classes, and says so";
    case real[3, 2, 3], index(2)[2, 2], index(4)[2], index(3)[2] with blank = 2, zero_infinity = true;
    case real[3, 3, 4], index(3)[3, 2], index(4)[3], index(3)[3] with blank = 3, reduction = Reduction::None, zero_infinity = true;
    case real[4, 4], index(3)[2], index(5)[], index(3)[] with blank = 3, reduction = Reduction::Sum, zero_infinity = true;
    refuses f64[4], i64[1], i64[1], i64[1] => "ctc_loss: the scores have the wrong number of axes. Got (4,); expected shape (steps, samples, classes) or (steps, classes).";
    refuses f64[4, 2, 3], f64[2, 2], i64[2], i64[2] => "ctc_loss: `targets` are not integers. Got float64; expected int32 or int64.";
    refuses f64[4, 2, 3], i64[3, 2], i64[2], i64[2] => "ctc_loss: `targets` do not fit. Got (3, 2) for scores of shape (4, 2, 3); expected shape (samples, length), or all labels one after the other.";
    refuses f64[4, 2, 3], i64[2, 2], i64[3], i64[2] => "ctc_loss: `input_lengths` do not fit. Got shape (3,); expected one a sample, of shape (2,).";
    refuses f64[4, 2, 3], i64[2, 2], i64[2], f64[2] => "ctc_loss: `target_lengths` are not integers. Got float64; expected int32 or int64.";
    refuses f64[4, 2, 3], i64[2, 2], i64[2], i64[2] with blank = 3 => "ctc_loss: `blank` is no class. Got blank=3 of 3 classes; expected a class.";
    refuses f64[0, 2, 3], i64[2, 2], i64[2], i64[2] => "ctc_loss: the scores have no steps. Got (0, 2, 3); expected one step at least.";
}
