//! How a row is written: one macro, `row!`, whose sections stand in one order. Each row makes one `static`
//! [`OpDef`](crate::graph::op::OpDef) and one function; the names of the parameters are visible in all rules.
//!
//! ```text
//! row! {
//!     /// Documentation: what it computes, the gradient, edges.
//!     pub NAME = fn name(x: float, slope: number = 0.5; axis: i64 = -1) -> y
//!     formula { .. }  |  body { .. }  |  given { .. } shape(c) ..; kernel ..; each own | draw; support ..;
//!     vjp(g) { x: .., slope: .. }
//!     batch Axes;
//!     cost |c| ..;
//!     derivative singular;
//!     numpy "..";
//!     example "line"; "expression" => "what printing it gives";
//!     alias other, names;
//!     method names;
//!     linalg names;
//!     signature "*xs, axis";
//!     rust short;  |  by hand;
//!     rounds by_layout;
//!     exempt First, Second: "the reason";
//!     samples real, unit;  |  cases ..;  case real[2, 3], index(4)[5] with axis = 0;
//!     bad ..;  refuses f64[2], i64[3] with axis = 2 => "message";
//! }
//! ```
//!
//! * `pub` makes it a function of `tensor_ops` in Rust and in Python. What gradients and composites are built from is
//!   `pub(crate)`.
//! * A parameter has a [class](crate::graph::op::Class), which says what its dtype becomes; those of one class are promoted
//!   together. `xs: [any]` is a list, `slope: number = 0.5` a number that may be left out (in Python), `bias: float = None` a tensor that
//!   may be absent: a composite's body sees an `Option`. After the semicolon stand attributes, of a type of
//!   [`attr`](crate::graph::attr); one without a default is required. Names of a mode are an enum made by `choices!`.
//! * Outputs have names: `-> y`, or `-> values, index`; `-> [parts]` is a list, for which a composite's body gives a `Vec`.
//! * `formula` makes an elementwise primitive, `shape` any primitive, `body` a composite over other functions. `formula full` is
//!   compiled for full operands alone: for a heavy one of several operands; see [`formula`](crate::formula). A primitive of which tensors may
//!   be absent has a node only where they are; `given` is the body of a call that has one of them.
//! * In `vjp` each entry is the cotangent of an input; `{ ..expression }` gives the list of all of them, and sees them by
//!   [`Vjp`](crate::graph::op::Vjp) under the name in the brackets.
//! * `batch` says how the row is computed with one more axis, as a [`Batch`](crate::graph::op::Batch); a row that is not elementwise
//!   and does not say it is computed in a loop. `cost` counts its arithmetic.
//! * `derivative` says what the local derivative of a formula can be, if not finite at finite operands.
//! * `linalg`: names under which the function is one of Python's module `linalg` too.
//! * `signature`: the parameters of the Python function in their order, where that is not tensors, then attributes; `*xs` is a list
//!   whose tensors are arguments of their own, and what stands behind it is given by name.
//! * `rust short`: the function in Rust takes no tensor that may be left out; it is called with the first one alone.
//! * `by hand`: its functions in Rust, if it has any, are written by hand; so are those in Python, if it has no `example`. `rounds by_layout`: its rounding follows from which axes of an
//!   operand are contiguous.

#[macro_use]
mod words;

/// The parameters of a row.
macro_rules! params {
    ([$($x:ident : $class:tt $(= $weak:tt)?),*] [$($a:ident : $at:ident $(= $default:expr)?),*]) => {
        &[
            $($crate::graph::op::Param {
                name: $crate::ops::unpack::plain(stringify!($x)),
                kind: kind!($class),
                default: weak!($($weak)?),
            },)*
            $($crate::graph::op::Param {
                name: stringify!($a),
                kind: $crate::graph::op::ParamKind::Attr(<$at as $crate::graph::attr::AttrType>::KIND),
                default: attr_default!($at $($default)?),
            }),*
        ]
    };
}

/// The default of an attribute, if it has one.
macro_rules! attr_default {
    ($at:ident) => {
        None
    };
    ($at:ident $default:expr) => {
        Some($crate::graph::op::ParamDefault::Attr(|| <$at as $crate::graph::attr::AttrType>::pack($default)))
    };
}

/// What a tensor parameter is.
macro_rules! kind {
    ([$class:ident]) => {
        $crate::graph::op::ParamKind::Tensors(class!($class))
    };
    ($class:ident) => {
        $crate::graph::op::ParamKind::Tensor(class!($class))
    };
}

/// The default of a tensor that may be left out: a weak scalar, or none at all.
macro_rules! weak {
    () => {
        None
    };
    (None) => {
        Some($crate::graph::op::ParamDefault::Absent)
    };
    ($weak:tt) => {
        Some($crate::graph::op::ParamDefault::Weak(|| $crate::dtype::Scalar::from($weak)))
    };
}

/// The example of a row, if it has one.
macro_rules! example {
    () => { None };
    ($($code:literal);+ => $prints:literal) => { Some($crate::graph::op::Example { code: &[$($code),+], prints: $prints }) };
}

/// What a composite's body sees of a parameter.
macro_rules! take_operand {
    ($inputs:ident [$class:ident]) => {
        $inputs.by_ref().flatten().copied().collect::<Vec<_>>()
    };
    ($inputs:ident $class:ident None) => {
        $inputs.next().copied().flatten()
    };
    ($inputs:ident $class:ident $($weak:tt)?) => {
        $crate::ops::unpack::input($inputs.next().copied().flatten())?
    };
}

/// The outputs of a composite, from what its body gives.
macro_rules! made {
    ([$y:ident] $body:block) => {
        smallvec::SmallVec::from_vec($body)
    };
    ($y:ident $body:block) => {
        smallvec::smallvec![$body]
    };
    ($($y:ident),+ $body:block) => {{
        let ($($y),+) = $body;
        smallvec::smallvec![$($y),+]
    }};
}

/// The names of the outputs.
macro_rules! names {
    ([$y:ident]) => { &[stringify!($y)] };
    ($($y:ident),+) => { &[$(stringify!($y)),+] };
}

/// True for an output that is a list.
macro_rules! lists {
    ([$y:ident]) => {
        true
    };
    ($($y:ident),+) => {
        false
    };
}

/// The body of a primitive's calls in which a tensor is given that may be absent.
macro_rules! given_body {
    ($params:tt $attrs:tt $y:tt) => {
        None
    };
    ([$($x:ident : $c:tt $(= $w:tt)?),*] [$($a:ident : $at:ident),*] [$($y:tt)+] $body:block) => {
        Some(composite!([$($x : $c $(= $w)?),*] [$($a : $at),*] [$($y)+] $body))
    };
}

/// A composite's function, from its body.
macro_rules! composite {
    ([$($x:ident : $c:tt $(= $w:tt)?),*] [$($a:ident : $at:ident),*] [$($y:tt)+] $body:block) => {
        |xs, attrs| {
            let mut operands = xs.iter();
            $(let $x = take_operand!(operands $c $($w)?);)*
            let mut attrs = attrs.iter();
            $(let $a: $at = $crate::ops::unpack::attr(attrs.next())?;)*
            Ok(made!($($y)+ $body))
        }
    };
}

/// What a shape rule sees of a parameter.
macro_rules! take_input {
    ($inputs:ident $class:ident None) => {
        None::<()>
    };
    ($inputs:ident [$class:ident]) => {
        $inputs.as_slice()
    };
    ($inputs:ident $class:ident) => {
        *$crate::ops::unpack::input($inputs.next())?
    };
}

/// What a gradient rule sees of a parameter.
macro_rules! take_tensor {
    ($v:ident $at:ident $class:ident None) => {
        None::<()>
    };
    ($v:ident $at:ident [$class:ident]) => {
        ($at..$v.node.inputs.len()).map(|i| $v.x(i)).collect::<Vec<_>>()
    };
    ($v:ident $at:ident $class:ident) => {{
        let x = $v.x($at);
        $at += 1;
        x
    }};
}

/// A gradient rule's cotangents, one entry an input in order.
macro_rules! cotangents {
    ($v:ident [$($x:ident $(= $w:tt)?),*] { $($vx:ident: $rule:expr),* $(,)? }) => {{
        const _: () = assert!(
            $crate::ops::unpack::paired(&[$((stringify!($x), &[$(stringify!($w))?])),*], &[$(stringify!($vx)),*]),
            "the vjp entries must be the inputs, in order",
        );
        let mut at = 0..;
        let mut next = || at.next().unwrap_or(0usize);
        vec![$(if $crate::ops::unpack::wants($v, next()) { $crate::graph::op::Cotangent::from($rule) } else { $crate::graph::op::Cotangent::Zero }),*]
    }};
}

/// The gradient of a primitive.
macro_rules! vjp {
    ([$($x:ident : $class:tt $(= $w:tt)?),*] [$($a:ident : $at:ident),*] [$($y:ident),+] [$v:ident] { .. $all:expr }) => {
        |$v| {
            let mut at = 0usize;
            $(let $x = take_tensor!($v at $class $($w)?);)*
            let mut attrs = $v.node.attrs.iter();
            $(let $a: $at = match $crate::ops::unpack::attr(attrs.next()) {
                Ok(a) => a,
                Err(_) => return vec![],
            };)*
            $all
        }
    };
    ([$($x:ident : $class:tt $(= $w:tt)?),*] [$($a:ident : $at:ident),*] [$($y:ident),+] [$($g:ident),+] $rules:tt) => {
        |v| {
            let mut at = 0usize;
            $(let $x = take_tensor!(v at $class $($w)?);)*
            let mut at = 0..;
            let mut next = || at.next().unwrap_or(0usize);
            $(let $y = v.y(next());)+
            let mut at = 0..;
            let mut next = || at.next().unwrap_or(0usize);
            $(let $g = v.g(next());)+
            let mut attrs = v.node.attrs.iter();
            $(let $a: $at = match $crate::ops::unpack::attr(attrs.next()) {
                Ok(a) => a,
                Err(_) => return vec![],
            };)*
            cotangents!(v [$($x $(= $w)?),*] $rules)
        }
    };
}

/// The type of a function's argument: the first one names the graph.
macro_rules! argument {
    (more $class:ident None) => { impl $crate::ops::apply::MaybeOperand<'g> };
    ($place:ident $class:tt $weak:tt) => { argument!($place $class) };
    (first [$class:ident]) => { &[impl $crate::graph::AsTensor<'g>] };
    (first $class:ident) => { impl $crate::graph::AsTensor<'g> };
    (more [$class:ident]) => { &[impl $crate::graph::AsTensor<'g>] };
    (more $class:ident) => { impl $crate::ops::apply::Operand<'g> };
}

/// Adds an argument to the operands.
macro_rules! push {
    ($args:ident more $x:ident $class:ident None) => { $args.push($x.maybe()) };
    ($args:ident $place:ident $x:ident $class:tt $weak:tt) => { push!($args $place $x $class) };
    ($args:ident first $x:ident [$class:ident]) => { $args.extend($x.iter().map(|t| $crate::ops::apply::Arg::from(t.tensor()))) };
    ($args:ident first $x:ident $class:ident) => { $args.push($crate::ops::apply::Arg::from($x.tensor())) };
    ($args:ident more $x:ident [$class:ident]) => { push!($args first $x [$class]) };
    ($args:ident more $x:ident $class:ident) => { $args.push($x.arg()) };
}

/// The type of a function's argument for an attribute.
macro_rules! attribute {
    (bool) => { bool };
    (DType) => { $crate::dtype::DType };
    ($t:ident) => { impl $crate::graph::attr::IntoAttr<$t> };
}

/// The type of a function's result.
macro_rules! result {
    ([$y:ident]) => { Vec<$crate::graph::Tensor<'g>> };
    ($y:ident) => { $crate::graph::Tensor<'g> };
    ($($y:ident),+) => { ($(result!($y)),+) };
}

/// The result of a function from the outputs.
macro_rules! given {
    ($made:ident [$y:ident]) => {
        $made.into_vec()
    };
    ($made:ident $($y:ident),+) => {{
        let mut made = $made.into_iter();
        ($($crate::ops::apply::output(&mut made, stringify!($y))),+)
    }};
}

/// The function of a row.
macro_rules! function {
    ([hand] $($rest:tt)*) => {};
    ([short] [$($doc:literal)+] $vis:vis $NAME:ident $name:ident
        [$x:ident : $class:tt $($rest:tt)*] [$($a:ident : $at:ident $(= $default:expr)?),*] [$($y:tt)+] [$($alias:ident)*]
    ) => {
        function!([] [$($doc)+] $vis $NAME $name [$x : $class] [$($a : $at),*] [$($y)+] [$($alias)*]);
    };
    ([] [$($doc:literal)+] $vis:vis $NAME:ident $name:ident
        [$x0:ident : $c0:tt $(= $w0:tt)? $(, $x:ident : $c:tt $(= $w:tt)?)*] [$($a:ident : $at:ident $(= $default:expr)?),*] [$($y:tt)+] [$($alias:ident)*]
    ) => {
        $(#[doc = $doc])+
        #[track_caller]
        #[allow(unused_parens, clippy::too_many_arguments, clippy::vec_init_then_push, reason = "written for any number of parameters")]
        $vis fn $name<'g>($x0: argument!(first $c0) $(, $x: argument!(more $c $($w)?))* $(, $a: attribute!($at))*) -> result!($($y)+) {
            let mut args: smallvec::SmallVec<[$crate::ops::apply::Arg<'g>; 3]> = smallvec::SmallVec::new();
            push!(args first $x0 $c0);
            $(push!(args more $x $c $($w)?);)*
            let attrs = [$(<$at as $crate::graph::attr::AttrType>::pack($crate::graph::attr::IntoAttr::<$at>::into_attr($a))),*];
            let made = $crate::ops::apply::apply_all(&$NAME, &args, &attrs);
            given!(made $($y)+)
        }
        $(#[doc(inline)] $vis use self::$name as $alias;)*
    };
}

/// A row; see the head of this file.
macro_rules! row {
    // An elementwise primitive.
    (
        $(#[doc = $doc:literal])+
        $vis:vis $NAME:ident = fn $name:ident($x0:ident : $c0:ident $(, $x:ident : $c:ident)*) -> $y:ident
        formula $($how:ident)? { $($f:tt)+ }
        vjp($g:ident) $rules:tt
        $(derivative $derivative:ident;)?
        numpy $numpy:literal;
        $(example $($code:literal);+ => $prints:literal;)?
        $(alias $($alias:ident),+;)?
        $(method $($method:ident),+;)?
        $(exempt $($check:ident),+: $why:literal;)*
        samples $($domain:ident $(($n:literal))?),+;
    ) => {
        #[doc = concat!("The row of `", stringify!($name), "`.")]
        pub(crate) static $NAME: $crate::graph::op::OpDef = $crate::graph::op::OpDef {
            name: $crate::ops::unpack::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: params!([$x0 : $c0 $(, $x : $c)*] []),
            outputs: &[stringify!($y)],
            lists: false,
            body: $crate::graph::op::Body::Primitive($crate::graph::op::Primitive {
                infer: elementwise_shape!($c0),
                kernel: $crate::graph::op::Kernel::Tile($crate::formula!($c0 $($how)? |$x0 $(, $x)*| $($f)+)),
                #[allow(unused_variables, unused_mut, unused_assignments, reason = "a rule names what it needs")]
                vjp: vjp!([$x0 : $c0 $(, $x : $c)*] [] [$y] [$g] $rules),
                support: $crate::graph::op::Support::Elementwise(derivative!($($derivative)?)),
                batch: $crate::graph::op::Batch::Elementwise,
                cost: None,
                own: false,
                draw: false,
                given: None,
            }),
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            flags: $crate::graph::op::Flags {
                public: $crate::ops::unpack::same(&[stringify!($vis)], &["pub"]),
                by_hand: false,
                by_layout: false,
                aliases: &[$($($crate::ops::unpack::plain(stringify!($alias))),+)?],
                methods: &[$($(stringify!($method)),+)?],
                linalg: &[],
                signature: None,
                exempt: &[$((&[$($crate::graph::op::Check::$check),+], $why)),*],
            },
            cases: || $crate::ops::samples::elementwise(&[$(domain!($domain $(($n))?)),+]),
            bad: || $crate::ops::samples::refused($crate::ops::unpack::plain(stringify!($name)), class!($c0), [stringify!($x0) $(, stringify!($x))*].len()),
        };
        function!([] [$($doc)+] $vis $NAME $name [$x0 : $c0 $(, $x : $c)*] [] [$y] [$($($alias)+)?]);
    };
    // A composite of one list.
    (
        $(#[doc = $doc:literal])+
        $vis:vis $NAME:ident = fn $name:ident($($x:ident : $c:tt $(= $w:tt)?),* $(; $($a:ident : $at:ident $(= $default:expr)?),+)?) -> [$y:ident]
        body $body:block
        $($rest:tt)+
    ) => {
        row!(@composite [$($doc)+] [$vis] $NAME $name [$($x : $c $(= $w)?),*] [$($($a : $at $(= $default)?),+)?] [[$y]] $body $($rest)+);
    };
    // A composite.
    (
        $(#[doc = $doc:literal])+
        $vis:vis $NAME:ident = fn $name:ident($($x:ident : $c:tt $(= $w:tt)?),* $(; $($a:ident : $at:ident $(= $default:expr)?),+)?) -> $($y:ident),+
        body $body:block
        $($rest:tt)+
    ) => {
        row!(@composite [$($doc)+] [$vis] $NAME $name [$($x : $c $(= $w)?),*] [$($($a : $at $(= $default)?),+)?] [$($y),+] $body $($rest)+);
    };
    (@composite $doc:tt $vis:tt $NAME:ident $name:ident [$($x:ident : $c:tt $(= $w:tt)?),*] [$($a:ident : $at:ident $(= $default:expr)?),*] [$($y:tt)+] $body:block
        numpy $numpy:literal;
        $($tail:tt)+
    ) => {
        row!(@tail $doc $vis $NAME $name [$($x : $c $(= $w)?),*] [$($a : $at $(= $default)?),*] [$($y)+] [
            $crate::graph::op::Body::Composite(composite!([$($x : $c $(= $w)?),*] [$($a : $at),*] [$($y)+] $body))
        ] $numpy $($tail)+);
    };
    // Any other primitive.
    (
        $(#[doc = $doc:literal])+
        $vis:vis $NAME:ident = fn $name:ident($($x:ident : $c:tt $(= $w:tt)?),* $(; $($a:ident : $at:ident $(= $default:expr)?),+)?) -> $($y:ident),+
        $(given $given:block)?
        shape($s:ident) $shape:expr;
        kernel $kernel:expr;
        $(each $own:ident;)?
        support $support:ident $(($passes:ident))?;
        vjp($($g:ident),+) $rules:tt
        $(batch $batch:ident $(($rule:expr))?;)?
        $(cost $cost:expr;)?
        numpy $numpy:literal;
        $($tail:tt)+
    ) => {
        row!(@tail [$($doc)+] [$vis] $NAME $name [$($x : $c $(= $w)?),*] [$($($a : $at $(= $default)?),+)?] [$($y),+] [
            $crate::graph::op::Body::Primitive($crate::graph::op::Primitive {
                #[allow(unused_variables, unused_mut, unused_assignments, reason = "a rule names what it needs")]
                infer: |$s| {
                    let mut inputs = $s.inputs.iter();
                    $(let $x = take_input!(inputs $c $($w)?);)*
                    let mut attrs = $s.attrs.iter();
                    $($(let $a: $at = $crate::ops::unpack::attr(attrs.next())?;)+)?
                    $shape
                },
                kernel: $kernel,
                #[allow(unused_variables, unused_mut, unused_assignments, reason = "a rule names what it needs")]
                vjp: vjp!([$($x : $c $(= $w)?),*] [$($($a : $at),+)?] [$($y),+] [$($g),+] $rules),
                support: $crate::graph::op::Support::$support $(($crate::ops::support::$passes))?,
                batch: batch!($($batch $(($rule))?)?),
                cost: cost!($($cost)?),
                own: said!($($own)?),
                draw: is_draw!($($own)?),
                given: given_body!([$($x : $c $(= $w)?),*] [$($($a : $at),+)?] [$($y),+] $($given)?),
            })
        ] $numpy $($tail)+);
    };
    // What a composite and a primitive have in common.
    (@tail [$($doc:literal)+] [$vis:vis] $NAME:ident $name:ident [$($x:ident : $c:tt $(= $w:tt)?),*] $attrs:tt [$($y:tt)+]
        [$body:expr] $numpy:literal
        $(example $($code:literal);+ => $prints:literal;)?
        $(alias $($alias:ident),+;)?
        $(method $($method:ident),+;)?
        $(linalg $($linalg:ident),+;)?
        $(signature $signature:literal;)?
        $(rust $short:ident;)?
        $(by $hand:ident;)?
        $(rounds $layout:ident;)?
        $(exempt $($check:ident),+: $why:literal;)*
        $(cases $cases:expr;)?
        $(case $($domain:ident $(($n:literal))? $([$($len:literal),*])?),+ $(with $($ca:ident = $cv:expr),+)?;)*
        $(bad $bad:expr;)?
        $(refuses $($btype:ident [$($blen:literal),*]),+ $(with $($ba:ident = $bv:expr),+)? => $message:literal;)*
    ) => {
        #[doc = concat!("The row of `", stringify!($name), "`.")]
        pub(crate) static $NAME: $crate::graph::op::OpDef = $crate::graph::op::OpDef {
            name: $crate::ops::unpack::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: params!([$($x : $c $(= $w)?),*] $attrs),
            outputs: names!($($y)+),
            lists: lists!($($y)+),
            #[allow(unused_variables, unused_mut, unused_assignments, unused_parens, reason = "a body names what it needs")]
            body: $body,
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            flags: $crate::graph::op::Flags {
                public: $crate::ops::unpack::same(&[stringify!($vis)], &["pub"]),
                by_hand: said!($($hand)?),
                by_layout: said!($($layout)?),
                aliases: &[$($($crate::ops::unpack::plain(stringify!($alias))),+)?],
                methods: &[$($(stringify!($method)),+)?],
                linalg: &[$($(stringify!($linalg)),+)?],
                signature: text!($($signature)?),
                exempt: &[$((&[$($crate::graph::op::Check::$check),+], $why)),*],
            },
            cases: || {
                #[allow(unused_mut, reason = "not every row has a case of its own")]
                let mut all: Vec<$crate::graph::op::Case> = vec![];
                $(all.extend($cases);)?
                $(all.push($crate::graph::op::Case {
                    inputs: vec![$((domain!($domain $(($n))?), vec![$($($len),*)?])),+],
                    attrs: packed!($attrs [$($($ca = $cv),+)?]),
                });)*
                all
            },
            bad: || {
                #[allow(unused_mut, reason = "not every row refuses something")]
                let mut all: Vec<$crate::graph::op::Bad> = vec![];
                $(all.extend($bad);)?
                $(all.push($crate::graph::op::Bad {
                    inputs: vec![$((dtype_of!($btype), vec![$($blen),*])),+],
                    attrs: packed!($attrs [$($($ba = $bv),+)?]),
                    message: $message.into(),
                });)*
                all
            },
        };
        function!([$($short)? $($hand)?] [$($doc)+] $vis $NAME $name [$($x : $c $(= $w)?),*] $attrs [$($y)+] [$($($alias)+)?]);
    };
}

/// The attributes of a call that names those that are not the defaults.
macro_rules! packed {
    ([$($a:ident : $at:ident $(= $default:expr)?),*] [$($given:ident = $value:expr),*]) => {{
        #[allow(unused_mut, unused_assignments, clippy::needless_late_init, reason = "a call names some of them")]
        {
            $(let mut $a: $at $(= $default)?;)*
            $($given = $crate::graph::attr::IntoAttr::into_attr($value);)*
            vec![$(<$at as $crate::graph::attr::AttrType>::pack($a)),*]
        }
    }};
}

/// A kernel that is a function of views: inputs, outputs, and the call itself for attributes.
macro_rules! call {
    ($fallible:literal, |[$($x:ident),*] -> [$($y:ident),*], $c:ident| $body:expr) => {
        $crate::graph::op::Kernel::Call($crate::graph::op::CallKernel {
            run: |$c| {
                let ([$($x),*], [$($y),*]) = ($c.inputs, &mut *$c.outputs) else {
                    return Err($crate::ops::unpack::arity($c.op));
                };
                $body
            },
            scratch: |_, _| 0,
            fallible: $fallible,
            spares: &[],
        })
    };
}
