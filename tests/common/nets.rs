//! Whole networks as functions over a context: what checkpointing is tested and measured with.

use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::Numbers;
use scirs2_autograd::{Array, Context, DType, Tensor, VariableEnvironment, tensor_ops as T};

/// What a network is made of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// Layers with a bias, and an activation.
    Mlp(Activation),
    /// Layers with dropout behind each, and noise of normal draws.
    Dropout,
    /// Blocks of attention over sequences, and of two layers with gelu; what comes in is added.
    Transformer { heads: usize, length: usize },
    /// A recurrent cell with four gates, as many steps as the depth.
    Lstm,
    /// Layers that shrink, then layers that grow and read what went into those: put beside it, or added.
    Unet { joined: bool },
    /// Elementwise operations, and no product.
    Chain,
    /// Two layers at a time, whose result is added to what came in.
    Tower,
    /// Two convolutions at a time with batch normalization, whose result is added to the image of so many rows and columns that came in.
    Residual { side: usize },
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Activation {
    Tanh,
    Relu,
    Gelu,
}

impl Activation {
    fn of<'g>(self, x: Tensor<'g>) -> Tensor<'g> {
        match self {
            Activation::Tanh => T::tanh(x),
            Activation::Relu => T::relu(x),
            Activation::Gelu => T::gelu(x),
        }
    }
}

/// A network and its sizes.
#[derive(Clone, Copy, Debug)]
pub struct Net {
    pub kind: Kind,
    /// Layers, blocks or steps.
    pub depth: usize,
    pub width: usize,
    pub batch: usize,
}

/// What stands around each layer.
#[derive(Clone, Debug)]
pub enum Around {
    Nothing,
    /// A mark on the result of each `n`-th layer.
    Marks(usize),
    /// A mark on each result that has more than so many bytes.
    Adaptive(i64),
    /// A checkpointed function for each layer, of whose inside a policy keeps some.
    Groups(Option<Policy>),
    /// The same, with another one inside of it.
    Nested,
    /// A name for each result: "layer".
    Names,
}

/// A network in a context: parameters in order, and what is fed with its values.
pub struct Built<'g> {
    pub loss: Tensor<'g>,
    pub params: Vec<Tensor<'g>>,
    pub feeds: Vec<(Tensor<'g>, Array)>,
}

type List<'g> = Vec<Tensor<'g>>;

impl Around {
    /// A layer with what stands around it.
    pub fn layer<'g>(&self, ctx: &'g Context, i: usize, inputs: &[Tensor<'g>], f: impl FnOnce(&[Tensor<'g>]) -> List<'g>) -> List<'g> {
        let each = |list: List<'g>, f: &dyn Fn(Tensor<'g>) -> Tensor<'g>| list.into_iter().map(f).collect();
        match self {
            Around::Nothing => f(inputs),
            Around::Marks(n) if i % n == n - 1 => each(f(inputs), &|t| T::checkpoint(t)),
            Around::Marks(_) => f(inputs),
            Around::Adaptive(bytes) => each(f(inputs), &|t| T::adaptive_checkpoint(t, *bytes)),
            Around::Groups(None) => T::checkpoint_segment_flex(ctx, inputs, f),
            Around::Groups(Some(p)) => T::CheckpointGroup::with_policy(ctx, p.clone()).checkpoint_fn(inputs, f),
            Around::Nested => T::checkpoint_segment_flex(ctx, inputs, |x| T::checkpoint_segment_flex(ctx, x, f)),
            Around::Names => each(f(inputs), &|t| T::checkpoint_name(t, "layer")),
        }
    }
}

/// Numbers of a seed, about as large as a weight of so many inputs.
pub fn numbers(dtype: DType, dims: &[usize], scale: f64, seed: u64) -> Array {
    let mut r = Numbers::new(seed);
    let x = (0..dims.iter().product()).map(|_| (2.0 * r.unit() - 1.0) * scale);
    match dtype {
        DType::F32 => Array::from_slice(&x.map(|v| v as f32).collect::<Vec<_>>(), dims).unwrap(),
        _ => Array::from_slice(&x.collect::<Vec<_>>(), dims).unwrap(),
    }
}

fn mean<'g>(x: Tensor<'g>) -> Tensor<'g> {
    T::reduce_mean(x, -1i64, true)
}

fn layer_norm<'g>(x: Tensor<'g>, scale: Tensor<'g>, shift: Tensor<'g>) -> Tensor<'g> {
    let centred = x - mean(x);
    centred * T::rsqrt(mean(T::square(centred)) + 1e-5) * scale + shift
}

impl Net {
    pub fn new(kind: Kind, depth: usize, width: usize, batch: usize) -> Net {
        Net { kind, depth, width, batch }
    }

    /// Each kind, small.
    pub fn small() -> Vec<Net> {
        let transformer = Kind::Transformer { heads: 2, length: 6 };
        vec![
            Net::new(Kind::Mlp(Activation::Tanh), 9, 12, 40),
            Net::new(Kind::Mlp(Activation::Relu), 6, 17, 33),
            Net::new(Kind::Mlp(Activation::Gelu), 5, 8, 70),
            Net::new(Kind::Dropout, 6, 10, 50),
            Net::new(transformer, 3, 8, 4),
            Net::new(Kind::Lstm, 7, 6, 5),
            Net::new(Kind::Unet { joined: true }, 3, 32, 24),
            Net::new(Kind::Unet { joined: false }, 3, 32, 24),
            Net::new(Kind::Chain, 20, 30, 40),
            Net::new(Kind::Tower, 5, 12, 40),
            Net::new(Kind::Residual { side: 5 }, 3, 6, 4),
        ]
    }

    /// Lengths of what leaves the `i`-th layer downwards.
    fn down(&self, i: usize) -> usize {
        (self.width >> i).max(2)
    }

    /// The shapes of the parameters.
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        let (w, layers) = (self.width, 0..self.depth);
        let layer = |a: usize, b: usize| [vec![a, b], vec![1, b]];
        match self.kind {
            Kind::Mlp(_) | Kind::Dropout => layers.flat_map(|_| layer(w, w)).collect(),
            Kind::Tower => layers.flat_map(|_| [layer(w, w), layer(w, w)].concat()).collect(),
            Kind::Residual { .. } => layers.flat_map(|_| (0..2).flat_map(move |_| [vec![w, w, 3, 3], vec![w], vec![w]])).collect(),
            Kind::Chain => layers.map(|_| vec![w]).collect(),
            Kind::Lstm => vec![vec![w, 4 * w], vec![w, 4 * w], vec![4 * w]],
            Kind::Transformer { .. } => layers
                .flat_map(|_| {
                    let norms = [vec![w], vec![w]];
                    let products = [vec![w, w], vec![w, w], vec![w, w], vec![w, w]];
                    [&norms[..], &products, &norms, &layer(w, 4 * w), &layer(4 * w, w)].concat()
                })
                .collect(),
            Kind::Unet { joined } => {
                let down = (0..self.depth).flat_map(|i| layer(self.down(i), self.down(i + 1)));
                let up = (0..self.depth).rev().flat_map(|i| {
                    let from = self.down(i + 1) * if joined { 2 } else { 1 };
                    layer(from, self.down(i))
                });
                down.chain(up).collect()
            }
        }
    }

    /// The first values of the parameters.
    pub fn start(&self, dtype: DType) -> Vec<Array> {
        let value = |(i, dims): (usize, Vec<usize>)| {
            let scale = match dims[..] {
                [n, _] if n > 1 => (3.0 / n as f64).sqrt(),
                [_, n, h, w] => (3.0 / (n * h * w) as f64).sqrt(),
                _ => 0.5,
            };
            numbers(dtype, &dims, scale, 100 + i as u64)
        };
        self.shapes().into_iter().enumerate().map(value).collect()
    }

    fn input_shape(&self) -> Vec<usize> {
        match self.kind {
            Kind::Transformer { length, .. } => vec![self.batch, length, self.width],
            Kind::Lstm => vec![self.depth, self.batch, self.width],
            Kind::Residual { side } => vec![self.batch, self.width, side, side],
            _ => vec![self.batch, self.width],
        }
    }

    /// Variables of an environment of their own, "p0" and so on.
    pub fn environment(&self, dtype: DType) -> VariableEnvironment {
        let env = VariableEnvironment::new();
        self.start(dtype).into_iter().enumerate().for_each(|(i, a)| _ = env.name(&format!("p{i}")).set(a));
        env
    }

    /// The network over variables of [`Net::environment`].
    pub fn over_variables<'g>(&self, ctx: &'g Context, dtype: DType, around: &Around) -> Built<'g> {
        let params = (0..self.shapes().len()).map(|i| ctx.variable(format!("p{i}").as_str())).collect();
        self.built(ctx, dtype, params, vec![], around)
    }

    /// The network over feeds.
    pub fn over_feeds<'g>(&self, ctx: &'g Context, dtype: DType, around: &Around) -> Built<'g> {
        let feeds: Vec<(Tensor<'g>, Array)> =
            self.start(dtype).into_iter().enumerate().map(|(i, a)| (fed(ctx, &format!("p{i}"), &a), a)).collect();
        self.built(ctx, dtype, feeds.iter().map(|f| f.0).collect(), feeds, around)
    }

    fn built<'g>(
        &self,
        ctx: &'g Context,
        dtype: DType,
        params: List<'g>,
        mut feeds: Vec<(Tensor<'g>, Array)>,
        around: &Around,
    ) -> Built<'g> {
        let dims = self.input_shape();
        let x = numbers(dtype, &dims, 1.0, 1);
        let target = numbers(dtype, if self.kind == Kind::Lstm { &dims[1..] } else { &dims }, 1.0, 2);
        let [x, target] = [("x", x), ("target", target)].map(|(name, a)| {
            let t = fed(ctx, name, &a);
            feeds.push((t, a));
            t
        });
        let out = self.output(ctx, &params, x, around);
        Built { loss: T::mean_all(T::square(out - target)), params, feeds }
    }

    /// What the network makes of `x`.
    pub fn output<'g>(&self, ctx: &'g Context, params: &[Tensor<'g>], x: Tensor<'g>, around: &Around) -> Tensor<'g> {
        match self.kind {
            Kind::Unet { joined } => self.unet(ctx, params, x, around, joined),
            Kind::Lstm => self.lstm(ctx, params, x, around),
            _ => {
                let each = params.len() / self.depth;
                params.chunks(each).enumerate().fold(x, |x, (i, p)| {
                    let inputs: List<'g> = [&[x], p].concat();
                    around.layer(ctx, i, &inputs, |t| vec![self.layer(t)])[0]
                })
            }
        }
    }

    /// A layer: what comes in, then its parameters.
    fn layer<'g>(&self, t: &[Tensor<'g>]) -> Tensor<'g> {
        let x = t[0];
        let dense = |x: Tensor<'g>, k: usize| T::matmul(x, t[k]) + t[k + 1];
        match self.kind {
            Kind::Mlp(a) => a.of(dense(x, 1)),
            Kind::Dropout => {
                let noise = T::standard_normal([self.batch as i64, self.width as i64], x.graph());
                T::dropout(T::tanh(dense(x, 1)), 0.3, true) + T::cast(noise, x.dtype()) * 0.01
            }
            Kind::Tower => x + T::tanh(dense(T::relu(dense(x, 1)), 3)),
            Kind::Residual { .. } => {
                let block = |x: Tensor<'g>, k: usize| {
                    let how =
                        T::BatchNorm { weight: Some(t[k + 1]), bias: Some(t[k + 2]), training: T::Training::Always, ..Default::default() };
                    T::batch_norm_with(T::conv2d(x, t[k], 1, 1), how)
                };
                x + block(T::relu(block(x, 1)), 4)
            }
            Kind::Chain => T::sin(T::tanh(x * t[1]) * 1.5 + x) * T::exp(-T::square(x)),
            Kind::Transformer { heads, .. } => {
                let x = x + attention(layer_norm(x, t[1], t[2]), &t[3..7], heads);
                x + dense(T::gelu(dense(layer_norm(x, t[7], t[8]), 9)), 11)
            }
            Kind::Unet { .. } | Kind::Lstm => x,
        }
    }

    fn unet<'g>(&self, ctx: &'g Context, p: &[Tensor<'g>], x: Tensor<'g>, around: &Around, joined: bool) -> Tensor<'g> {
        let dense = |t: &[Tensor<'g>]| vec![T::tanh(T::matmul(t[0], t[1]) + t[2])];
        let (mut x, mut passed) = (x, vec![]);
        for i in 0..self.depth {
            x = around.layer(ctx, i, &[x, p[2 * i], p[2 * i + 1]], dense)[0];
            passed.push(x);
        }
        for i in self.depth..2 * self.depth {
            let beside = passed.pop().unwrap_or(x);
            x = around.layer(ctx, i, &[x, beside, p[2 * i], p[2 * i + 1]], |t| {
                let both = if joined { T::concat(&[t[0], t[1]], 1) } else { t[0] + t[1] };
                dense(&[both, t[2], t[3]])
            })[0];
        }
        x
    }

    fn lstm<'g>(&self, ctx: &'g Context, p: &[Tensor<'g>], x: Tensor<'g>, around: &Around) -> Tensor<'g> {
        let (b, w) = (self.batch as i64, self.width as i64);
        let zeros = T::zeros_like(T::reshape(T::slice(x, [0, 0, 0], [1, b, w]), [b, w]), ());
        let step = |t: &[Tensor<'g>]| {
            let gates = T::matmul(t[2], t[3]) + T::matmul(t[0], t[4]) + t[5];
            let gate = |i: i64| T::slice(gates, [0, i * w], [b, (i + 1) * w]);
            let memory = T::sigmoid(gate(1)) * t[1] + T::sigmoid(gate(0)) * T::tanh(gate(3));
            vec![T::sigmoid(gate(2)) * T::tanh(memory), memory]
        };
        let mut state = vec![zeros, zeros];
        for k in 0..self.depth {
            let now = T::reshape(T::slice(x, [k as i64, 0, 0], [k as i64 + 1, b, w]), [b, w]);
            state = around.layer(ctx, k, &[state[0], state[1], now, p[0], p[1], p[2]], step);
        }
        state[0]
    }
}

/// Attention of several heads: (batch, length, width), and the matrices of queries, keys, values and the result.
fn attention<'g>(x: Tensor<'g>, m: &[Tensor<'g>], heads: usize) -> Tensor<'g> {
    let dims = x.known_shape().unwrap();
    let [b, n, w, h] = [dims[0], dims[1], dims[2], heads].map(|n| n as i64);
    let apart = |k: usize| T::transpose(T::reshape(T::matmul(x, m[k]), [b, n, h, w / h]), [0, 2, 1, 3]);
    let [q, k, v] = [0, 1, 2].map(apart);
    let weights = T::softmax(T::matmul(q, T::transpose(k, [0, 1, 3, 2])) * (h as f64 / w as f64).sqrt(), -1i64);
    let found = T::reshape(T::transpose(T::matmul(weights, v), [0, 2, 1, 3]), [b, n, w]);
    T::matmul(found, m[3])
}

/// A placeholder for an array.
pub fn fed<'g>(ctx: &'g Context, name: &str, a: &Array) -> Tensor<'g> {
    let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
    ctx.placeholder_of(name, &shape, a.dtype())
}
