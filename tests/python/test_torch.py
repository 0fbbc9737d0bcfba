"""Values, first and second gradients beside PyTorch's, where it is installed."""

import zlib

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

torch = pytest.importorskip("torch")
F = torch.nn.functional

pytestmark = pytest.mark.slow

LABELS = np.array([2, 0, 3, 1])
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


def both(name, *shapes, domain="real", ours=None, theirs=None, **options):
    """A function that both have, under the same name and with the same arguments unless it is said otherwise."""
    first = ours or (lambda *xs: getattr(T, name)(*xs, **options))
    second = theirs or (lambda *xs: getattr(F, name)(*xs, **options))
    return pytest.param(first, second, shapes, domain, id=name)


def same(f, *shapes, name, domain="real"):
    """A function that is written once, of tensors and of a module's functions."""
    return pytest.param(lambda *xs: f(T, *xs), lambda *xs: f(F, *xs), shapes, domain, id=name)


def labelled(name, *shapes, domain="real", **options):
    return both(
        name,
        *shapes,
        domain=domain,
        ours=lambda *xs: getattr(T, name)(*xs[:1], LABELS, *xs[1:], **options),
        theirs=lambda *xs: getattr(F, name)(*xs[:1], torch.tensor(LABELS), *xs[1:], **options),
    )


CASES = [
    *(
        both(name, (3, 4))
        for name in ("elu", "celu", "selu", "silu", "mish", "softplus", "softsign", "sigmoid", "logsigmoid", "tanhshrink")
    ),
    *(both(name, (3, 4)) for name in ("relu", "relu6", "leaky_relu", "softshrink", "hardshrink", "gelu")),
    *(both(name, (3, 4), theirs=getattr(F, name.replace("_", ""))) for name in ("hard_swish", "hard_tanh")),
    # PyTorch's gradient has a sixth of float32.
    both("hard_sigmoid", (3, 4), theirs=lambda x: torch.clamp(x / 6 + 0.5, 0.0, 1.0)),
    both("glu", (3, 4)),
    both("softmax", (3, 4), theirs=lambda x: F.softmax(x, -1)),
    both("softmin", (3, 4), theirs=lambda x: F.softmin(x, -1)),
    both("log_softmax", (3, 4), theirs=lambda x: F.log_softmax(x, -1)),
    *(both(name, (3, 4), (3, 4)) for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "poisson_nll_loss")),
    both("gaussian_nll_loss", (3, 4), (3, 4), (3, 4), domain="positive"),
    both("binary_cross_entropy", (3, 4), (3, 4), domain="unit"),
    both("binary_cross_entropy_with_logits", (3, 4), (3, 4), domain="unit"),
    labelled("cross_entropy", (4, 5)),
    labelled("cross_entropy", (4, 5), label_smoothing=0.1, reduction="sum"),
    labelled("nll_loss", (4, 5)),
    labelled("multi_margin_loss", (4, 5)),
    both("triplet_margin_loss", (3, 4), (3, 4), (3, 4)),
    both(
        "margin_ranking_loss",
        (4,),
        (4,),
        ours=lambda a, b: T.margin_ranking_loss(a, b, SIGNS, margin=0.3),
        theirs=lambda a, b: F.margin_ranking_loss(a, b, torch.tensor(SIGNS), margin=0.3),
    ),
    both("cosine_similarity", (3, 4), (3, 4)),
    both("pairwise_distance", (3, 4), (3, 4)),
    *(both(f"conv{n}d", (2, 4, *(5, 6, 5)[:n]), (6, 2, *(3, 2, 3)[:n]), (6,), stride=2, padding=1, groups=2) for n in (1, 2, 3)),
    *(both(f"conv{n}d", (2, 3, *(7, 6, 7)[:n]), (4, 3, *(3, 2, 2)[:n]), dilation=2) for n in (1, 2)),
    *(
        both(f"conv_transpose{n}d", (2, 4, *(4, 3, 3)[:n]), (4, 3, *(3, 2, 3)[:n]), (6,), stride=2, groups=2, output_padding=1)
        for n in (1, 2)
    ),
    *(both(f"max_pool{n}d", (2, 3, *(6, 5, 4)[:n]), kernel_size=2, stride=2, ceil_mode=True) for n in (1, 2, 3)),
    *(both(f"avg_pool{n}d", (2, 3, *(6, 5, 4)[:n]), kernel_size=2, padding=1, count_include_pad=False) for n in (1, 2, 3)),
    both("adaptive_avg_pool2d", (2, 3, 7, 5), output_size=(3, 2)),
    *(both("interpolate", (1, 2, 4, 5), size=(7, 3), mode=mode, align_corners=False) for mode in ("bilinear", "bicubic")),
    both("pixel_shuffle", (1, 8, 2, 3), upscale_factor=2, ours=lambda x: T.pixel_shuffle(x, 2)),
    same(lambda m, x, w, b: m.layer_norm(x, (4,), w, b), (3, 4), (4,), (4,), name="layer_norm"),
    same(lambda m, x, w: m.rms_norm(x, (4,), w), (3, 4), (4,), name="rms_norm"),
    same(lambda m, x, w, b: m.group_norm(x, 2, w, b), (2, 4, 3), (4,), (4,), name="group_norm"),
    same(lambda m, x: m.local_response_norm(x, 3, alpha=0.5), (2, 5, 3), name="local_response_norm"),
    same(lambda m, x, w, b: m.batch_norm(x, None, None, w, b, training=True), (5, 3, 2, 2), (3,), (3,), name="batch_norm"),
    same(lambda m, q, k, v: m.scaled_dot_product_attention(q, k, v), (2, 3, 4), (2, 5, 4), (2, 5, 3), name="attention"),
    same(lambda m, q, k, v: m.scaled_dot_product_attention(q, k, v, is_causal=True), (2, 4, 3), (2, 4, 3), (2, 4, 3), name="causal"),
    both("linear", (2, 3, 4), (5, 4), (5,)),
    both("bilinear", (3, 4), (3, 5), (2, 4, 5), (2,)),
]

DOMAINS = {
    "real": lambda rng, shape: rng.normal(size=shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2.0, size=shape),
    "unit": lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
}


@pytest.mark.parametrize("sample", range(3))
@pytest.mark.parametrize(("ours", "theirs", "shapes", "domain"), CASES)
def test_beside_torch(ours, theirs, shapes, domain, sample, request):
    rng = np.random.default_rng([zlib.crc32(request.node.name.encode()), sample])
    arrays = [DOMAINS[domain](rng, shape) for shape in shapes]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    value = theirs(*tensors)
    g, *seconds = (rng.normal(size=shape) for shape in (tuple(value.shape), *shapes))

    def zero(grads):
        return [torch.zeros(s, dtype=torch.float64) if d is None else d for d, s in zip(grads, shapes, strict=True)]

    first = zero(torch.autograd.grad((value * torch.tensor(g)).sum(), tensors, create_graph=True, allow_unused=True))
    mixed = sum((d * torch.tensor(s)).sum() for d, s in zip(first, seconds, strict=True))
    try:
        second = zero(torch.autograd.grad(mixed, tensors, allow_unused=True) if mixed.requires_grad else [None] * len(shapes))
    except RuntimeError as e:
        # PyTorch has no second derivative of some.
        if "is not implemented" not in str(e):
            raise
        second = []
    wanted = [t.detach().numpy(force=True) for t in (value, *first, *second)]
    with ag.Context() as ctx:
        xs = [ctx.placeholder(f"x{i}", a.shape) for i, a in enumerate(arrays)]
        y = ours(*xs)
        d = T.grad([T.reduce_sum(y * g)], xs)
        dd = T.grad([sum(T.reduce_sum(a * s) for a, s in zip(d, seconds, strict=True))], xs)
        got = ctx.eval([y, *d, *dd], dict(zip(xs, arrays, strict=True)))
    for have, want in zip(got, wanted, strict=bool(second)):
        np.testing.assert_allclose(have, want, rtol=1e-8, atol=1e-10 * max(1.0, np.abs(want).max(initial=0.0)))
