//! How a row is written. Each macro reads as a Rust item: documentation, a name, a function with its parameters, then
//! the fields. One row makes one `static` [`OpDef`](crate::graph::op::OpDef) and one public function; the names of the
//! parameters are visible in all rules.
//!
//! After the NumPy expression stands an example of the Python function: its lines, of which the last is an expression, and
//! what printing the expression's value gives. Only rows that are no function of the Python package go without.
//!
//! `derivative` after the gradient says what the local derivative can be, if not finite at finite operands.
//!
//! `unary!` and `binary!` declare elementwise primitives, `op!` any primitive, `composite!` a function over other ops.

macro_rules! tensor_params {
    ($($x:ident),+) => { tensor_params!($($x),+ ;) };
    ($($x:ident $(= $weak:literal)?),+ ; $($a:ident : $at:ident = $default:expr),*) => {
        &[
            $(Param { name: stringify!($x), kind: ParamKind::Tensor, default: weak_default!($($weak)?) },)+
            $(Param { name: stringify!($a), kind: ParamKind::Attr(<$at as AttrType>::KIND), default: Some(|| <$at as AttrType>::pack($default)) }),*
        ]
    };
}

/// The default of a tensor that may be left out: a weak scalar.
macro_rules! weak_default {
    () => {
        None
    };
    ($weak:literal) => {
        Some(|| $crate::graph::attr::AttrType::pack($weak))
    };
}

/// The example of a row, if it has one.
macro_rules! example {
    () => { None };
    ($($code:literal);+ => $prints:literal) => { Some($crate::graph::op::Example { code: &[$($code),+], prints: $prints }) };
}

/// True for a row whose calls are nodes of their own.
macro_rules! own {
    () => {
        false
    };
    (own) => {
        true
    };
}

/// What the local derivative of an elementwise row can be: finite at finite operands, if the row says nothing else.
macro_rules! derivative {
    () => {
        $crate::ops::support::finite
    };
    ($which:ident) => {
        $crate::ops::support::$which
    };
}

/// The type of a public function's argument for an attribute.
macro_rules! attr_arg {
    (bool) => { bool };
    (DType) => { DType };
    ($t:ident) => { impl IntoAttr<$t> };
}

macro_rules! unary {
    (
        $(#[doc = $doc:literal])+
        $NAME:ident = fn $name:ident($x:ident) -> $y:ident { $($f:tt)+ }
        kind $kind:ident;
        vjp($g:ident) $rule:expr;
        $(derivative $derivative:ident;)?
        numpy $numpy:literal;
        $(example $($code:literal);+ => $prints:literal;)?
        samples $domain:ident $(($n:literal))?;
    ) => {
        #[doc = concat!("The row of [`", stringify!($name), "`].")]
        pub static $NAME: OpDef = OpDef {
            name: families::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: tensor_params!($x),
            outputs: &[stringify!($y)],
            body: Body::Primitive(Primitive {
                operands: families::operands!($kind),
                infer: families::infer!($kind),
                kernel: Kernel::Tile($crate::formula!($kind |$x| $($f)+)),
                #[allow(unused_variables, reason = "a rule names what it needs")]
                vjp: |v| {
                    let ($x, $y, $g) = (v.x(0), v.y(0), v.g(0));
                    vec![Cotangent::from($rule)]
                },
                support: Support::Elementwise(derivative!($($derivative)?)),
                own: false,
                draw: false,
            }),
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            cases: || families::unary_cases(Domain::$domain $(($n))?),
            bad: || families::refused!($kind, stringify!($name), 1),
        };
        $(#[doc = $doc])+
        #[track_caller]
        pub fn $name<'g>($x: impl AsTensor<'g>) -> Tensor<'g> {
            apply(&$NAME, &[Arg::from($x.tensor())], &[])
        }
    };
}

macro_rules! binary {
    (
        $(#[doc = $doc:literal])+
        $NAME:ident = fn $name:ident($a:ident, $b:ident) -> $y:ident { $($f:tt)+ }
        kind $kind:ident;
        vjp($g:ident) { $va:ident: $ra:expr, $vb:ident: $rb:expr }
        $(derivative $derivative:ident;)?
        numpy $numpy:literal;
        $(example $($code:literal);+ => $prints:literal;)?
        samples $da:ident $(($na:literal))?, $db:ident $(($nb:literal))?;
    ) => {
        #[doc = concat!("The row of [`", stringify!($name), "`].")]
        pub static $NAME: OpDef = OpDef {
            name: families::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: tensor_params!($a, $b),
            outputs: &[stringify!($y)],
            body: Body::Primitive(Primitive {
                operands: families::operands!($kind),
                infer: families::infer!($kind),
                kernel: Kernel::Tile($crate::formula!($kind |$a, $b| $($f)+)),
                #[allow(unused_variables, reason = "a rule names what it needs")]
                vjp: |v| {
                    const _: () = assert!(families::same(&[stringify!($a), stringify!($b)], &[stringify!($va), stringify!($vb)]), "the vjp entries must be the inputs, in order");
                    let ($a, $b, $y, $g) = (v.x(0), v.x(1), v.y(0), v.g(0));
                    vec![
                        if families::wants(v, 0) { Cotangent::from($ra) } else { Cotangent::Zero },
                        if families::wants(v, 1) { Cotangent::from($rb) } else { Cotangent::Zero },
                    ]
                },
                support: Support::Elementwise(derivative!($($derivative)?)),
                own: false,
                draw: false,
            }),
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            cases: || families::binary_cases(Domain::$da $(($na))?, Domain::$db $(($nb))?),
            bad: || {
                let mut all = families::binary_bad_of(stringify!($name), families::taken!($kind));
                all.extend(families::refused!($kind, stringify!($name), 2));
                all
            },
        };
        $(#[doc = $doc])+
        #[track_caller]
        pub fn $name<'g>($a: impl AsTensor<'g>, $b: impl Operand<'g>) -> Tensor<'g> {
            apply(&$NAME, &[Arg::from($a.tensor()), $b.arg()], &[])
        }
    };
}

macro_rules! op {
    (
        $(#[doc = $doc:literal])+
        $NAME:ident = fn $name:ident($x0:ident $(, $x:ident)* $(; $($a:ident : $at:ident = $default:expr),+)?) -> ($($y:ident),+);
        operands $operands:ident;
        infer($c:ident) $infer:expr;
        kernel $kernel:expr;
        $(each $own:ident;)?
        support $support:ident $(($passes:ident))?;
        vjp($($g:ident),+) { $($vx:ident: $rule:expr),+ $(,)? }
        numpy $numpy:literal;
        $(example $($code:literal);+ => $prints:literal;)?
        cases $cases:expr;
        bad $bad:expr;
    ) => {
        #[doc = concat!("The row of `", stringify!($name), "`.")]
        pub static $NAME: OpDef = OpDef {
            name: families::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: tensor_params!($x0 $(, $x)* ; $($($a : $at = $default),+)?),
            outputs: &[$(stringify!($y)),+],
            body: Body::Primitive(Primitive {
                operands: Operands::$operands,
                #[allow(unused_variables, unused_mut, unused_assignments, reason = "a rule names what it needs")]
                infer: |$c| {
                    let mut i = $c.inputs.iter();
                    let $x0: &Aval = families::input(i.next())?;
                    $(let $x: &Aval = families::input(i.next())?;)*
                    let mut i = $c.attrs.iter();
                    $($(let $a: $at = families::attr(i.next())?;)+)?
                    $infer
                },
                kernel: $kernel,
                #[allow(unused_variables, unused_mut, unused_assignments, reason = "a rule names what it needs")]
                vjp: |v| {
                    const _: () = assert!(families::same(&[stringify!($x0) $(, stringify!($x))*], &[$(stringify!($vx)),+]), "the vjp entries must be the inputs, in order");
                    let mut i = 0..;
                    let mut next = || i.next().unwrap_or(0usize);
                    let $x0 = v.x(next());
                    $(let $x = v.x(next());)*
                    let mut i = 0..;
                    let mut next = || i.next().unwrap_or(0usize);
                    $(let $y = v.y(next());)+
                    let mut i = 0..;
                    let mut next = || i.next().unwrap_or(0usize);
                    $(let $g = v.g(next());)+
                    let mut i = v.node.attrs.iter();
                    $($(let $a: $at = match families::attr(i.next()) {
                        Ok(a) => a,
                        Err(_) => return vec![],
                    };)+)?
                    let mut i = 0..;
                    let mut next = || i.next().unwrap_or(0usize);
                    vec![$(if families::wants(v, next()) { Cotangent::from($rule) } else { Cotangent::Zero }),+]
                },
                support: Support::$support $(($crate::ops::support::$passes))?,
                own: own!($($own)?),
                draw: false,
            }),
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            cases: || $cases,
            bad: || $bad,
        };
    };
}

/// The public function of an `op!` row with one output.
macro_rules! function {
    ($(#[$doc:meta])* $NAME:ident = fn $name:ident($x0:ident $(, $x:ident)* $(; $($a:ident : $at:ident),+)?)) => {
        $(#[$doc])*
        #[track_caller]
        pub fn $name<'g>($x0: impl AsTensor<'g>, $($x: impl Operand<'g>,)* $($($a: attr_arg!($at)),+)?) -> Tensor<'g> {
            apply(&$NAME, &[Arg::from($x0.tensor()) $(, $x.arg())*], &[$($(<$at as AttrType>::pack(IntoAttr::<$at>::into_attr($a))),+)?])
        }
    };
}

macro_rules! composite {
    (
        $(#[doc = $doc:literal])+
        $NAME:ident = fn $name:ident($x0:ident $(, $x:ident $(= $weak:literal)?)* $(; $($a:ident : $at:ident = $default:expr),+)?) -> $y:ident $body:block
        numpy $numpy:literal;
        $(example $($code:literal);+ => $prints:literal;)?
        cases $cases:expr;
        bad $bad:expr;
    ) => {
        #[doc = concat!("The row of [`", stringify!($name), "`].")]
        pub static $NAME: OpDef = OpDef {
            name: families::plain(stringify!($name)),
            doc: concat!($($doc, "\n"),+),
            params: tensor_params!($x0 $(, $x $(= $weak)?)* ; $($($a : $at = $default),+)?),
            outputs: &[stringify!($y)],
            #[allow(unused_variables, unused_mut, unused_assignments, reason = "a body names what it needs")]
            body: Body::Composite(|xs, attrs| {
                let mut i = xs.iter().copied();
                let $x0: Tensor<'_> = families::input(i.next())?;
                $(let $x: Tensor<'_> = families::input(i.next())?;)*
                let mut i = attrs.iter();
                $($(let $a: $at = families::attr(i.next())?;)+)?
                Ok(smallvec::smallvec![$body])
            }),
            numpy: $numpy,
            example: example!($($($code);+ => $prints)?),
            cases: || $cases,
            bad: || $bad,
        };
        $(#[doc = $doc])+
        #[track_caller]
        pub fn $name<'g>($x0: impl AsTensor<'g>, $($x: impl Operand<'g>,)* $($($a: attr_arg!($at)),+)?) -> Tensor<'g> {
            apply(&$NAME, &[Arg::from($x0.tensor()) $(, $x.arg())*], &[$($(<$at as AttrType>::pack(IntoAttr::<$at>::into_attr($a))),+)?])
        }
    };
}

/// A kernel that is a function of views: inputs, outputs, and the call itself for attributes.
macro_rules! call {
    ($fallible:literal, |[$($x:ident),*] -> [$($y:ident),*], $c:ident| $body:expr) => {
        Kernel::Call(CallKernel {
            run: |$c| {
                let ([$($x),*], [$($y),*]) = ($c.inputs, &mut *$c.outputs) else {
                    return Err(families::arity($c.op));
                };
                $body
            },
            scratch: |_, _| 0,
            fallible: $fallible,
        })
    };
}
