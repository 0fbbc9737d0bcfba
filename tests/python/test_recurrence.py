"""Recurrent networks as whole programs: cells one after the other, lengths that a feed decides, both directions, threads, checkpoints."""

import re

import numpy as np
import pytest

import reference as ref
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape) * 0.5


def weights(kind, inputs, state):
    n = GATES[kind] * state
    return draw(n, inputs), draw(n, state), draw(n), draw(n, seed=1)


def cells(kind, x, w, states):
    """The states at all steps by the cell alone, and the last ones."""
    out = []
    for t in range(x.shape[0]):
        made = getattr(T, f"{kind}_cell")(x[t], *states, *w)
        states = made if kind == "lstm" else (made,)
        out.append(states[0])
    return T.stack(out), *states


@pytest.mark.parametrize("kind", GATES)
def test_a_sequence_is_its_cells(kind):
    # Values, and gradients of both orders in all operands.
    x, w = draw(6, 3, 4), weights(kind, 4, 5)
    states = [draw(3, 5, seed=k) for k in range(2 if kind == "lstm" else 1)]

    def all_gradients(f):
        with ag.Context() as ctx:
            ts = [ctx.constant(a) for a in (x, *w, *states)]
            ys = f(ts[0], ts[1:5], ts[5:])
            loss = sum(T.reduce_sum(T.sin(y * (i + 1.0))) for i, y in enumerate(ys))
            first = T.grad([loss], ts)
            second = T.grad([sum(T.reduce_sum(g * draw(*a.shape, seed=7)) for g, a in zip(first, (x, *w, *states), strict=True))], ts)
            return ctx.eval([*ys, *first, *second])

    got = all_gradients(lambda x, w, s: getattr(T, kind)(x, *w, *s))
    expected = all_gradients(lambda x, w, s: cells(kind, x, w, s))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", GATES)
def test_lengths_that_a_feed_decides(kind):
    w = weights(kind, 4, 5)
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [None, None, 4])
        ys = getattr(T, kind)(x, *w)
        (g,) = T.grad([T.reduce_sum(ys[0]) + T.reduce_sum(ys[1] * ys[1])], [x])
        more = () if kind != "rnn" else ("tanh",)
        for steps, samples in [(1, 1), (7, 3), (3, 0)]:
            a = draw(steps, samples, 4)
            *values, gradient = ctx.eval([*ys, g], {x: a})
            states = [None] * (2 if kind == "lstm" else 1)
            for got, expected in zip(values, getattr(ref, kind)(a, *w, *states, *more, False, False), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
            assert gradient.shape == a.shape
        with pytest.raises(ag.ShapeError):
            ctx.eval(list(ys), {x: draw(0, 3, 4)})


def test_a_sequence_in_both_directions():
    # Composed of two: states side by side.
    x, there, back = draw(5, 2, 3), weights("lstm", 3, 4), weights("lstm", 3, 4)
    y, *_ = ag.Context().eval([T.concat([T.lstm(x, *there)[0], T.lstm(x, *back, reverse=True)[0]], -1)])
    expected = [ref.lstm(x, *w, None, None, False, r)[0] for w, r in ((there, False), (back, True))]
    np.testing.assert_allclose(y, np.concatenate(expected, -1), rtol=1e-13)


@pytest.mark.parametrize("kind", GATES)
def test_threads_change_no_bit(kind):
    x, w = draw(20, 7, 33), weights(kind, 33, 40)

    def bits():
        with ag.Context() as ctx:
            ts = [ctx.constant(a.astype(np.float32)) for a in (x, *w)]
            ys = getattr(T, kind)(*ts)
            return [a.tobytes() for a in ctx.eval([*ys, *T.grad([T.reduce_sum(ys[0] * ys[0])], ts)])]

    before = ag.get_num_threads()
    try:
        ag.set_num_threads(1)
        alone = bits()
        ag.set_num_threads(3)
        assert bits() == alone
    finally:
        ag.set_num_threads(before)


def test_a_graph_does_not_grow_with_the_steps():
    def steps(n):
        with ag.Context() as ctx:
            ts = [ctx.placeholder(f"x{i}", list(a.shape)) for i, a in enumerate((draw(n, 2, 3), *weights("lstm", 3, 4)))]
            loss = T.reduce_sum(T.lstm(*ts)[0])
            evaluator = ctx.evaluator().push(loss)
            for g in T.grad([loss], ts):
                evaluator.push(g)
            for t in ts:
                evaluator.feed(t, np.zeros(t.shape))
            return int(re.search(r"^schedule: (\d+) steps", evaluator.plan().explain(), re.MULTILINE)[1])

    assert max(steps(4), steps(400)) < 20


def test_gates_that_are_shut_keep_their_derivatives():
    # Where a logistic function rounds to 1 its slope is still right: of the gate `f` times the memory before.
    a = np.array([[[0.0, 40.0, 0.0, 0.0]]])
    with ag.Context() as ctx:
        x = ctx.constant(a)
        _, _, c = T.lstm(x, np.eye(4), np.zeros((4, 1)), c=np.array([[3.0]]))
        (g,) = T.grad([c], [x])
        np.testing.assert_allclose(g.eval()[0, 0, 1], 3.0 * np.exp(-40.0), rtol=1e-14)


def test_checkpointed_sequences_give_the_same():
    x, w = draw(9, 2, 3), weights("gru", 3, 3)

    def run(mark):
        with ag.Context() as ctx:
            ts = [ctx.constant(a) for a in (x, *w)]
            y = mark(T.gru(*ts)[0])
            y = mark(T.gru(T.sin(y), *ts[1:])[0])
            return [a.tobytes() for a in ctx.eval([y, *T.grad([T.reduce_sum(y * y)], ts)])]

    assert run(T.checkpoint) == run(lambda y: y)
