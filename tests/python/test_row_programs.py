"""Plans of what goes over rows: how many steps, and how often a step passes over the elements."""

import math
import re

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

ROWS, COLUMNS = 64, 100
LABELS = np.arange(ROWS) % COLUMNS
VECTOR = np.ones(COLUMNS, np.float32)


def statistics(x):
    return T.batch_norm(x, None, None, VECTOR, VECTOR, training=True)


#: For each function of (64, 100) numbers: steps, and passes over all elements, of its value, and of value and gradient together. A maximum
#: or a mean needs a pass, what follows from it another one. Other steps are of labels, of channels, or of a mean.
PLANS = {
    "softmax": (lambda x: T.softmax(x), (1, 3), (1, 4)),
    "log_softmax": (lambda x: T.log_softmax(x), (1, 3), (1, 3)),
    "layer_norm": (lambda x: T.layer_norm(x, COLUMNS, VECTOR, VECTOR), (1, 3), (1, 4)),
    "rms_norm": (lambda x: T.rms_norm(x, COLUMNS, VECTOR), (1, 2), (1, 3)),
    "group_norm": (lambda x: T.group_norm(x, 4, VECTOR, VECTOR), (2, 4), (3, 6)),
    "batch_norm": (statistics, (5, 3), (7, 4)),
    "cross_entropy": (lambda x: T.cross_entropy(x, LABELS), (7, 2), (9, 3)),
    "sparse_softmax_cross_entropy": (lambda x: T.sparse_softmax_cross_entropy(x, LABELS), (4, 2), (5, 3)),
    "softmax_cross_entropy": (lambda x: T.softmax_cross_entropy(x, np.full((ROWS, COLUMNS), 0.01, np.float32)), (1, 3), (1, 3)),
}


def passes(plan):
    """The steps of a plan, and how many stages of its programs go over the elements of rows."""
    text = plan.explain()
    schedule = text[text.index("\nschedule:") : text.index("\nplace:")]
    steps = re.split(r"\n  \d+: ", schedule)[1:]
    tiles = [(s, re.match(r"tile \[([\d,]+)\]", s)) for s in steps]
    large = [s for s, tile in tiles if tile and math.prod(map(int, tile[1].split(","))) == ROWS * COLUMNS]
    return len(steps), sum(len(re.findall(r"\n      values:", s)) for s in large)


@pytest.mark.parametrize("name", PLANS)
def test_steps_and_passes(name):
    f, value, both = PLANS[name]
    with ag.Context(dtype="float32") as ctx:
        x = ctx.placeholder("x", (ROWS, COLUMNS))
        weights = ctx.placeholder("g", (ROWS, COLUMNS))
        y = f(x)
        loss = T.reduce_sum(y * weights) if y.ndim == 2 else T.reduce_sum(y)
        feeder = ag.Feeder()
        for t in (x, weights):
            feeder.push(t, np.ones((ROWS, COLUMNS), np.float32))
        outputs = [y], [y, *T.grad([loss], [x])]
        assert tuple(passes(ctx.evaluator().extend(list(o)).set_feeder(feeder).plan()) for o in outputs) == (value, both)


#: Losses behind a norm and an activation. Each has its rows in one program, forward and back, so that nothing of their size is in memory
#: beside what is asked for: labels that do not count leave their rows without a gradient, which is one mark a row and no mask.
LOSSES = {
    "sparse": lambda x: T.reduce_mean(T.sparse_softmax_cross_entropy(x, LABELS)),
    "labels": lambda x: T.cross_entropy(x, LABELS, ignore_index=3),
    "labels_and_weights": lambda x: T.cross_entropy(x, LABELS, VECTOR),
    "labels_and_smoothing": lambda x: T.cross_entropy(x, LABELS, label_smoothing=0.1),
    "nll": lambda x: T.nll_loss(T.log_softmax(x, 1), LABELS),
    "sum": lambda x: T.cross_entropy(x, LABELS, reduction="sum"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_behind_other_layers_is_one_program(name):
    with ag.Context(dtype="float32") as ctx:
        x = ctx.placeholder("x", (ROWS, COLUMNS))
        weights = ctx.placeholder("w", (COLUMNS,))
        loss = LOSSES[name](T.gelu(T.layer_norm(x, COLUMNS, weights)))
        feeder = ag.Feeder()
        feeder.push(x, np.ones((ROWS, COLUMNS), np.float32))
        feeder.push(weights, VECTOR)
        plan = ctx.evaluator().extend([loss, *T.grad([loss], [x, weights])]).set_feeder(feeder).plan()
    assert plan.explain().count(f"tile [{ROWS},{COLUMNS}]") == 1
