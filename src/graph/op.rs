//! What an op is: the row that declares it, and the traits that a user's own ops and hooks implement.

use smallvec::SmallVec;

use crate::array::{View, ViewMut};
use crate::dtype::Scalar;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrKind};
pub use crate::graph::case::{Bad, Case, Domain};
use crate::graph::{Graph, Node, Region, Tensor, Value};
use crate::kernels::fold::Fold;
use crate::kernels::random::Key;
use crate::kernels::ranges::Ranges;
use crate::kernels::tile::Elementwise;
use crate::shape::{Aval, Dim, Strides};

/// The avals of a node's outputs.
pub type Avals = SmallVec<[Aval; 1]>;

/// The declaration of an op: everything that any part of the engine knows about it.
pub struct OpDef {
    /// The op's name, which is also the name of its Rust and Python functions.
    pub name: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// Its parameters: tensors first, then attributes.
    pub params: &'static [Param],
    /// Names of its outputs.
    pub outputs: &'static [&'static str],
    /// True if the one output is a list, whose length follows from the attributes and the shapes: a composite.
    pub lists: bool,
    /// How it is computed and differentiated.
    pub body: Body,
    /// The same function as a NumPy expression of the parameters' names.
    pub numpy: &'static str,
    /// A call of the Python function; `None` for a row that has none.
    pub example: Option<Example>,
    /// What faces, documentation and tests must know besides.
    pub flags: Flags,
    /// Inputs to test it with.
    pub cases: fn() -> Vec<Case>,
    /// Bad inputs, and the exact message that each one gives.
    pub bad: fn() -> Vec<Bad>,
}

/// A call of an op's Python function, for its documentation.
pub struct Example {
    /// Lines of Python inside a context; the last is an expression.
    pub code: &'static [&'static str],
    /// What printing the value of the last line gives.
    pub prints: &'static str,
}

/// A parameter of an op.
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// A tensor, or an attribute of some kind.
    pub kind: ParamKind,
    /// What it is where it is left out.
    pub default: Option<ParamDefault>,
}

/// What a parameter is where it is left out.
#[derive(Clone, Copy)]
pub enum ParamDefault {
    /// An attribute.
    Attr(fn() -> Attr),
    /// A number, of the dtype of the tensors beside it.
    Weak(fn() -> Scalar),
    /// No tensor.
    Absent,
}

/// As a Python literal.
impl std::fmt::Display for ParamDefault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ParamDefault::Attr(a) => a().fmt(f),
            ParamDefault::Absent => f.write_str("None"),
            ParamDefault::Weak(s) => match s() {
                Scalar::Bool(b) => f.write_str(if b { "True" } else { "False" }),
                Scalar::Int(i) => i.fmt(f),
                Scalar::Float(x) => write!(f, "{x:?}"),
            },
        }
    }
}

/// What faces, documentation and tests must know of a row beside what it computes.
pub struct Flags {
    /// True for a function of `tensor_ops`; others serve rows.
    pub public: bool,
    /// True if its functions, if it has any, are written by hand.
    pub by_hand: bool,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Names under which it is a method of Python's tensors.
    pub methods: &'static [&'static str],
    /// Names under which it is a function of Python's module `linalg`.
    pub linalg: &'static [&'static str],
    /// The parameters of the Python function in their order, if that is not the one in the row; `*xs` for a list whose tensors are
    /// arguments of their own.
    pub signature: Option<&'static str>,
    /// True if its rounding follows from which axes of an operand are contiguous, as that of products of matrices does.
    pub by_layout: bool,
    /// Checks that do not apply, with the reason.
    pub exempt: &'static [(&'static [Check], &'static str)],
}

impl OpDef {
    /// Why a check does not apply.
    pub fn exempt(&self, check: Check) -> Option<&'static str> {
        self.flags.exempt.iter().find(|(checks, _)| checks.contains(&check)).map(|(_, why)| *why)
    }
    /// How many inputs a node of a primitive has that takes no list: a tensor that may be absent is none.
    pub fn arity(&self) -> usize {
        let input = |p: &&Param| matches!(p.kind, ParamKind::Tensor(_)) && p.default.is_none();
        self.params.iter().filter(input).count()
    }
    /// True for a primitive that is a formula, element by element.
    pub fn is_formula(&self) -> bool {
        matches!(&self.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Tile(_) | Kernel::Select))
    }
    /// True if a check is made of rows of this kind.
    pub fn has(&self, check: Check) -> bool {
        check != Check::Third || self.is_formula() && self.exempt(Check::Second).or(self.exempt(Check::Third)).is_none()
    }
}

/// What is checked of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Shape and dtype rule equal what a run returns; whatever the rule accepts, a run computes.
    Types,
    /// With lengths that only a feed decides, values and gradients have the same bits.
    Unknown,
    /// The gradient equals differences.
    First,
    /// The gradient of the gradient equals differences of the gradient.
    Second,
    /// The gradient of the third order equals differences too; of elementwise rows.
    Third,
    /// `float32` is close to `float64`, for functions of one number over all magnitudes, and integers are exact.
    Narrow,
    /// Views, long, short and empty arrays give what contiguous ones, op by op, or pieces give.
    Layouts,
    /// Values and gradients of both orders, computed as one program, equal op by op, bit for bit.
    Fused,
    /// With one more axis of any of the inputs, values and gradients equal single computations.
    Batched,
    /// Each bad input gives its message; a row without bad inputs refuses none.
    Messages,
}

impl Check {
    /// All checks.
    pub const ALL: [Check; 10] = [
        Check::Types,
        Check::Unknown,
        Check::First,
        Check::Second,
        Check::Third,
        Check::Narrow,
        Check::Layouts,
        Check::Fused,
        Check::Batched,
        Check::Messages,
    ];
}

/// What a parameter is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    /// A tensor.
    Tensor(Class),
    /// A list of tensors, the last tensor parameter.
    Tensors(Class),
    /// An attribute.
    Attr(AttrKind),
}

/// A primitive has a kernel and a gradient; a composite is a function over primitives.
pub enum Body {
    /// Shape rule, kernel, gradient.
    Primitive(Primitive),
    /// Builds graph from tensors and attributes.
    Composite(Composite),
}

/// A function over primitives. An operand is `None` where a tensor that may be absent is.
pub type Composite = for<'g> fn(&[Option<Tensor<'g>>], &[Attr]) -> Result<SmallVec<[Tensor<'g>; 1]>>;

/// What a tensor parameter's dtype becomes. The parameters of a row that are of one class become one dtype, promoted as in
/// NumPy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A floating dtype.
    Float,
    /// A number; bools are refused.
    Number,
    /// Any dtype.
    Value,
    /// As [`Class::Value`], and beside an integer that the dtype of the others cannot hold they become one that can: a
    /// comparison has an answer all the same.
    Compare,
    /// An integer.
    Integer,
    /// Integers or bools.
    Bits,
    /// Bool.
    Mask,
    /// Bools and `i32` become `i64`: what a sum counts in.
    Count,
    /// Each stays as it is.
    Any,
}

/// How the support of a cotangent passes through an op's gradient rule. A support is a bool beside a cotangent, false where
/// the cotangent is exactly zero by structure: in a branch that was not taken, beside a slice. See `autodiff::support`.
#[derive(Clone, Copy)]
pub enum Support {
    /// Each output element depends on the input elements at its own place: the support stays, and so may values outside it
    /// that are anything. The function says what the local derivative can be.
    Elementwise(for<'a, 'g> fn(&Vjp<'a, 'g>) -> Derivative),
    /// Elements move: the rule moves a bool as it moves a cotangent, and values outside the support too.
    Moved,
    /// The rule moves a bool as it moves a cotangent, adds it up by "or", and leaves zeros around what it moves.
    Placed,
    /// The rule adds cotangents up with weights of 1: what it makes of the support's zeros and ones is not 0 where one counts.
    Summed,
    /// As [`Support::Summed`], and the rule leaves zeros where nothing is added.
    Scattered,
    /// The support of each input, as a function of the rule and the outputs' support: cotangents are repeated.
    Repeated(SupportRule),
    /// As [`Support::Repeated`], and the rule multiplies by operands: what it makes of zeros may be anything where the operands are
    /// infinite.
    Weighted(SupportRule),
    /// As [`Support::Repeated`], for products: each cotangent is a sum over an axis.
    Contracted(SupportRule),
    /// Nothing is known about the inputs' cotangents.
    Unknown,
}

/// The support of input `i`, from that of the output.
pub type SupportRule = for<'a, 'g> fn(&Vjp<'a, 'g>, Tensor<'g>, i: usize) -> Tensor<'g>;

/// What the local derivative of an elementwise op can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Derivative {
    /// A number that does not depend on the operands.
    Constant,
    /// Finite where the operands are.
    Finite,
    /// Infinite or NaN at some finite operands.
    Singular,
}

/// How a primitive is computed when some inputs have one more axis, the first, along which it is computed over and over. What
/// that gives has the bits of single computations, products of matrices excepted.
#[derive(Clone, Copy)]
pub enum Batch {
    /// Operands broadcast: the axis goes in front of all axes that an operand can have.
    Elementwise,
    /// The last so many axes of an operand are the op's own; those in front of them broadcast.
    Leading(usize),
    /// The attributes `axis`, `axis1`, `axis2` name axes, which move by one; all inputs get the axis.
    Axes,
    /// Only the shapes of inputs count: what it gives is the same each time.
    Same,
    /// A rule of its own.
    Rule(BatchRule),
    /// Nothing better is known than one computation after the other.
    Loop,
}

/// The outputs with one more axis, the first.
pub type BatchRule = for<'a, 'g> fn(&Batched<'a, 'g>) -> Result<Vec<Tensor<'g>>>;

/// What a batching rule sees.
pub struct Batched<'a, 'g> {
    /// The graph.
    pub graph: &'g Graph,
    /// The index of the node that is computed over and over.
    pub id: u32,
    /// The node.
    pub node: &'g Node,
    /// Its inputs, with one more axis where there is one.
    pub inputs: &'a [Tensor<'g>],
    /// Which of them have it.
    pub has: &'a [bool],
    /// The length of the axis.
    pub n: usize,
    /// The transformation itself, for bodies.
    pub again: &'a dyn Again,
}

impl<'g> Batched<'_, 'g> {
    /// Output `k` as the node has it, without the axis.
    pub fn output(&self, k: usize) -> Tensor<'g> {
        self.graph.tensor(Value { node: self.id, out: k as u32 })
    }
    /// Input `i` as the node has it, without the axis.
    pub fn single(&self, i: usize) -> Tensor<'g> {
        match self.node.inputs.get(i) {
            Some(&v) => self.graph.tensor(v),
            None => self.graph.poison(Error::text(ErrorKind::Graph, format!("{}: a batching rule asks for input {i}", self.node.name()))),
        }
    }
}

/// The transformation of a graph that gives it one more axis, as rules see it.
pub trait Again {
    /// `ys` with the axis, for values that are replaced by others that have it; built in the present scope.
    fn outputs<'g>(&self, graph: &'g Graph, ys: &[Value], replaced: &[(Value, Tensor<'g>)], n: usize) -> Result<Vec<Tensor<'g>>>;
}

/// A primitive op.
pub struct Primitive {
    /// The shapes and dtypes of the outputs.
    pub infer: fn(&mut Infer<'_>) -> Result<Avals>,
    /// How it is computed.
    pub kernel: Kernel,
    /// The gradient: one cotangent an input, as graph.
    pub vjp: for<'a, 'g> fn(&Vjp<'a, 'g>) -> Vec<Cotangent<'g>>,
    /// How the support of a cotangent passes.
    pub support: Support,
    /// How it is computed with one more axis.
    pub batch: Batch,
    /// Its arithmetic, where that is more than one operation for each element that it writes.
    pub cost: Option<fn(&Lowering<'_>) -> f64>,
    /// True if each call is a node of its own.
    pub own: bool,
    /// True for a random draw, which is a node of its own with a stream of its own.
    pub draw: bool,
    /// What a call is in which one of the tensors is given that may be absent. A node has none of them.
    pub given: Option<Composite>,
}

/// What a shape rule sees.
pub struct Infer<'a> {
    /// The op's name, for messages.
    pub op: &'a str,
    /// The inputs' avals.
    pub inputs: &'a [&'a Aval],
    /// Those of what the node's bodies return.
    pub bodies: &'a [Returned<'a>],
    /// The attributes.
    pub attrs: &'a [Attr],
    /// Makes a fresh symbol.
    pub fresh: &'a mut dyn FnMut() -> Dim,
}

/// The avals of what a body returns.
#[derive(Default)]
pub struct Returned<'a> {
    /// Its outputs.
    pub outputs: Vec<&'a Aval>,
    /// Its residuals.
    pub residuals: Vec<&'a Aval>,
}

impl<'a> Returned<'a> {
    /// What a body returns; `None` where one of the avals is not known.
    pub fn of(region: &Region, mut aval: impl FnMut(Value) -> Option<&'a Aval>) -> Option<Returned<'a>> {
        let mut all = |list: &[Value]| list.iter().map(|&v| aval(v)).collect::<Option<_>>();
        Some(Returned { outputs: all(&region.outputs)?, residuals: all(&region.residuals)? })
    }
}

impl Infer<'_> {
    /// A `ShapeError` of this op.
    pub fn shape_error<T>(&self, what: &str, got: impl std::fmt::Display, rule: impl std::fmt::Display) -> Result<T> {
        Err(Error::new(ErrorKind::Shape, self.op, what, got, rule))
    }
    /// A `DTypeError` of this op.
    pub fn dtype_error<T>(&self, what: &str, got: impl std::fmt::Display, rule: impl std::fmt::Display) -> Result<T> {
        Err(Error::new(ErrorKind::DType, self.op, what, got, rule))
    }
}

/// How a primitive is computed.
pub enum Kernel {
    /// An elementwise formula.
    Tile(Elementwise),
    /// `where`: a bool and two values of one dtype.
    Select,
    /// A conversion to the dtype of the output.
    Cast,
    /// A reduction over the attribute `axes` (the first attribute).
    Fold(Fold),
    /// A view of the first input's elements.
    View(ViewRule),
    /// Rewritten when a plan is compiled and all shapes are numbers.
    Lower(fn(&Lowering<'_>) -> Lowered),
    /// A function of views.
    Call(CallKernel),
    /// Looks at the first input, and may refuse its values. The output is the input: it stands where that stands, in the same
    /// strides.
    Check(fn(ranges: &Ranges<'_>, op: &str, x: View<'_>) -> Result<()>),
    /// Bodies that the node owns.
    Region(Control),
    /// Writes the second input into the variable that is the first.
    Assign,
    /// The input itself: what the attributes say of it is for plans, in which no mark is a node.
    Mark(fn(&[Attr]) -> crate::graph::checkpoint::Mark),
}

/// When the bodies of a node run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// One of two, chosen by the first input.
    Branch,
}

impl Control {
    /// How many of the first inputs are for the kernel itself: the others are the bodies' operands.
    pub const fn own(self) -> usize {
        match self {
            Control::Branch => 1,
        }
    }

    /// What `explain` calls the bodies.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Control::Branch => &["then", "else"],
        }
    }
}

/// A kernel that is a function of views.
pub struct CallKernel {
    /// Computes the outputs, in ranges of `Call::ranges`: a run that is interrupted waits for no more than one.
    pub run: fn(&mut Call<'_>) -> Result<()>,
    /// Bytes of scratch memory for inputs of these concrete avals.
    pub scratch: fn(&[&Aval], &[Attr]) -> usize,
    /// True if it may fail on some values.
    pub fallible: bool,
    /// Outputs that need no memory if nobody reads any of them: their lengths are 0 then, and they are not computed.
    pub spares: &'static [u32],
}

/// What a kernel sees.
pub struct Call<'a> {
    /// The op's name, for messages.
    pub op: &'a str,
    /// The inputs.
    pub inputs: &'a [View<'a>],
    /// The outputs, in C order.
    pub outputs: &'a mut [ViewMut<'a>],
    /// The attributes.
    pub attrs: &'a [Attr],
    /// Scratch memory, 64-byte aligned.
    pub scratch: &'a mut [u8],
    /// Seed, run and stream of a random draw.
    pub key: Key,
    /// Cuts the work into ranges, between which the run may be interrupted.
    pub ranges: &'a Ranges<'a>,
}

/// The offset and strides (in elements) of a view into an operand of lengths `dims` and strides `strides`; `None` if the
/// elements cannot be reached by strides, and the operand must be copied to C order first.
pub type ViewRule = fn(dims: &[usize], strides: &[isize], attrs: &[Attr], out: &[usize]) -> Option<(isize, Strides)>;

/// What a lowering sees.
pub struct Lowering<'a> {
    /// Concrete avals of the inputs.
    pub inputs: &'a [&'a Aval],
    /// Concrete aval of the output.
    pub output: &'a Aval,
    /// The attributes.
    pub attrs: &'a [Attr],
}

impl Lowering<'_> {
    /// The lengths of input `i`, all of them known.
    pub fn lengths(&self, i: usize) -> SmallVec<[usize; 4]> {
        self.inputs.get(i).and_then(|a| a.dims()).unwrap_or_default().iter().copied().collect()
    }
    /// The number of elements of the output.
    pub fn size(&self) -> f64 {
        self.output.dims().map_or(0, |d| crate::shape::count(&d)) as f64
    }
}

/// What an op becomes once all shapes are numbers.
pub enum Lowered {
    /// A chain of ops over the first input, each with attributes.
    Chain(Vec<(&'static OpDef, Vec<Attr>)>),
    /// An op over the inputs, whose value is written to the variable that is the first. Where the run has written it before, the op
    /// takes what was written.
    Write(&'static OpDef),
    /// A scalar.
    Scalar(crate::dtype::Scalar),
}

/// What a gradient rule sees: the node, its inputs and outputs as tensors, and the outputs' cotangents.
pub struct Vjp<'a, 'g> {
    /// The graph.
    pub graph: &'g Graph,
    /// The node's index.
    pub id: u32,
    /// The node.
    pub node: &'g Node,
    /// Cotangents of the outputs; `None` where nothing depends on that output.
    pub cotangents: &'a [Option<Tensor<'g>>],
    /// Which inputs' cotangents are asked for.
    pub wanted: &'a [bool],
    /// The sweep itself, for rules that differentiate a body.
    pub differentiate: &'a dyn Differentiate,
}

impl<'g> Vjp<'_, 'g> {
    /// Input `i`.
    pub fn x(&self, i: usize) -> Tensor<'g> {
        match self.node.inputs.get(i) {
            Some(&v) => self.graph.tensor(v),
            None => self.graph.poison(Error::text(ErrorKind::Graph, format!("{}: a gradient rule asks for input {i}", self.node.name()))),
        }
    }
    /// Output `k`.
    pub fn y(&self, k: usize) -> Tensor<'g> {
        self.graph.tensor(Value { node: self.id, out: k as u32 })
    }
    /// Cotangent of output `k`; zeros where nothing depends on it.
    pub fn g(&self, k: usize) -> Tensor<'g> {
        self.cotangents.get(k).copied().flatten().unwrap_or_else(|| self.differentiate.zeros_like(self.y(k)))
    }
    /// Attribute `i`.
    pub fn attr(&self, i: usize) -> Attr {
        self.node.attrs.get(i).cloned().unwrap_or(Attr::Int(0))
    }
}

/// The cotangent of one input, as a rule gives it.
pub enum Cotangent<'g> {
    /// Nothing flows to this input.
    Zero,
    /// A tensor of the node's (broadcast) shape; the sweep sums over broadcast axes.
    Value(Tensor<'g>),
    /// A tensor that counts only where the mask is true, and is exactly zero elsewhere.
    Masked(Tensor<'g>, Tensor<'g>),
    /// There is no gradient, for this reason: an error when this input is asked for.
    Nondiff(&'static str),
}

impl<'g> From<Tensor<'g>> for Cotangent<'g> {
    fn from(t: Tensor<'g>) -> Self {
        Cotangent::Value(t)
    }
}

/// The reverse sweep, as rules see it.
pub trait Differentiate {
    /// Zeros of the shape and dtype of `t`.
    fn zeros_like<'g>(&self, t: Tensor<'g>) -> Tensor<'g>;
    /// `d (sum ys * seeds) / d xs`; `None` where `ys` do not depend on `x`.
    fn grad<'g>(&self, ys: &[Tensor<'g>], seeds: &[Option<Tensor<'g>>], xs: &[Tensor<'g>]) -> Vec<Option<Tensor<'g>>>;
    /// `ys` computed again with the first of each pair replaced by the second.
    fn replaced<'g>(&self, ys: &[Tensor<'g>], pairs: &[(Tensor<'g>, Tensor<'g>)]) -> Result<Vec<Tensor<'g>>>;
}
