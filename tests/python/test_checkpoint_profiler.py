"""The profiler of checkpointing, the timeline of a plan, and its pictures."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

N, LAYERS = 64, 8
DATA = np.arange(N * N).reshape(N, N) % 11 / 200.0


def gradient(ctx, mark):
    """A request for the gradient of a chain of layers; `mark` sees the value of every other one."""
    x = h = ctx.placeholder("x", [N, N])
    for _ in range(LAYERS // 2):
        h = T.tanh(mark(T.tanh(h @ x)) @ x)
    return ctx.evaluator().extend(T.grad([h.sum()], [x])).feed(x, DATA)


@pytest.fixture
def plans():
    with ag.Context() as ctx:
        return gradient(ctx, T.checkpoint).plan(), gradient(ctx, lambda h: h).plan()


def test_numbers_are_those_of_the_runs():
    with ag.Context() as ctx:
        request = gradient(ctx, T.checkpoint)
        plain = gradient(ctx, lambda h: h).plan()
        with T.CheckpointProfiler.of(ctx) as tracker:
            assert tracker.statistics() == {
                "runs": 0,
                "memory_saved": 0,
                "checkpoint_count": 0,
                "peak_bytes": 0,
                "peak_bytes_without": 0,
                "recomputed_flops": 0.0,
            }
            request.run()
            request.run()
        request.run()
        plan = request.plan()
    # Of a marked layer the value, what it is computed by, and its product are computed again.
    assert tracker.checkpoint_count() == 3 * LAYERS
    assert tracker.recomputed_flops() == LAYERS * (2 * N**3 + 2 * N**2)
    assert tracker.peak_bytes() == plan.peak_bytes
    assert tracker.peak_bytes_without() == plain.peak_bytes
    assert tracker.memory_saved() == plain.peak_bytes - plan.peak_bytes > 0
    assert tracker.statistics()["runs"] == 2
    assert repr(tracker) == f"<CheckpointTracker of 2 runs, peak {plan.peak_bytes} bytes, {tracker.memory_saved()} saved>"
    tracker.reset_statistics()
    assert tracker.peak_bytes() == 0


def test_the_process_is_counted_in_a_fresh_one():
    program = """
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T
P = T.CheckpointProfiler
def exp():
    with ag.Context() as ctx:
        T.exp(ctx.ones([1000])).eval()
exp()
assert set(P.statistics().values()) == {0}, P.statistics()
P.start_tracking()
exp()
exp()
P.stop_tracking()
exp()
assert P.statistics() == {**P.statistics(), "runs": 2, "peak_bytes_without": P.peak_bytes(), "memory_saved": 0}
assert P.peak_bytes() >= 8000
assert P.checkpoint_count() == 0
assert P.report().startswith("checkpointing: 2 runs of 1 plan\\n")
P.reset_statistics()
assert set(P.statistics().values()) == {0}
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_threads_with_their_environments_do_not_disturb_each_other():
    seen = {}

    def work(runs, mark):
        with ag.Context() as ctx:
            request = gradient(ctx, mark)
            with T.CheckpointProfiler.of(ctx) as tracker:
                for _ in range(runs):
                    request.run()
            seen[runs] = tracker.statistics()

    threads = [threading.Thread(target=work, args=args) for args in ((10, T.checkpoint), (15, lambda h: h))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (seen[10]["runs"], seen[10]["checkpoint_count"]) == (10, 10 * LAYERS // 2 * 3)
    assert (seen[15]["runs"], seen[15]["checkpoint_count"]) == (15, 0)


def test_an_environment_and_its_contexts():
    env = ag.VariableEnvironment()
    tracker = T.CheckpointProfiler.of(env)
    for e in (env, None, env):
        with ag.Context(e) as ctx:
            T.exp(ctx.ones([10])).eval()
    assert tracker.statistics()["runs"] == 2
    with pytest.raises(ag.DTypeError, match=r"CheckpointProfiler\.of: not an environment\. Got str; expected a VariableEnv"):
        T.CheckpointProfiler.of("env")


def test_a_run_that_fails_is_not_counted():
    with ag.Context() as ctx, T.CheckpointProfiler.of(ctx) as tracker:
        x = ctx.placeholder("x", [1])
        y = T.check_finite(T.log(x))
        with pytest.raises(ValueError, match="check_finite"):
            y.eval({x: [-1.0]})
        assert tracker.statistics()["runs"] == 0
        y.eval({x: [1.0]})
    assert tracker.statistics()["runs"] == 1


def test_the_report_speaks_of_the_program():
    with ag.Context() as ctx, T.CheckpointProfiler.of(ctx) as tracker:
        gradient(ctx, T.checkpoint).run()
        text = tracker.report()
    assert "test_checkpoint_profiler.py:" in text
    assert ", as marked" in text
    assert "(+0.00 %)" in text
    assert "that compute again" in text


def test_the_timeline_reaches_the_peak(plans):
    for plan in plans:
        steps = plan.memory_timeline()
        assert [s.step for s in steps] == list(range(plan.steps))
        most = max(s.bytes for s in steps)
        assert 0.95 * plan.peak_bytes <= most <= plan.peak_bytes
        assert all(s.bytes == s.live_bytes + s.output_bytes for s in steps)
        assert plan.arena_bytes + steps[0].output_bytes == plan.peak_bytes
        assert all("test_checkpoint_profiler.py:" in s.lines[0] for s in steps)
    marked, plain = (plan.memory_timeline() for plan in plans)
    assert any(s.recomputed_bytes for s in marked)
    assert any(s.recomputes and s.segment for s in marked)
    assert not any(s.recomputed_bytes or s.recomputes or s.segment for s in plain)
    assert repr(plain[0]) == f"<MemoryStep 0: batch_matmul, {plain[0].live_bytes} bytes live, {N * N * 8} of outputs>"


def test_pictures_are_written(plans, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    before = dict(matplotlib.rcParams)
    for name, start in (("a.svg", b"<?xml"), ("b.PNG", b"\x89PNG")):
        assert ag.viz.memory(*plans, path=tmp_path / name, labels=["marked", "plain"]) is None
        assert (tmp_path / name).read_bytes().startswith(start)
    text = (tmp_path / "a.svg").read_text()
    for part in ("marked", "plain", "computed again", "outputs", "step of the plan", "memory held (KB)", "instead of"):
        assert part in text, part
    ag.viz.memory(*plans, path=tmp_path / "c.svg", labels=["marked", "plain"])
    assert (tmp_path / "c.svg").read_text() == text
    assert dict(matplotlib.rcParams) == before


def test_a_picture_on_axes(plans):
    Figure = pytest.importorskip("matplotlib.figure").Figure
    ax = Figure().add_subplot()
    assert ag.viz.memory(plans[1], ax=ax, title="here") is ax
    assert ax.get_title(loc="left") == "here" or ax.get_title() == "here"
    peak = max(s.bytes for s in plans[1].memory_timeline())
    assert any(f"peak {peak / 1e3:.3g} KB" == t.get_text() for t in ax.texts)


def test_the_plan_of_nothing_has_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [3])
        plan = ctx.evaluator().push(T.zeros([0]) + x[:0]).feed(x, np.zeros(3)).plan()
    ag.viz.memory(plan, path=tmp_path / "nothing.svg")
    assert (tmp_path / "nothing.svg").exists()


def test_bad_input_of_a_picture(plans, tmp_path):
    plan = plans[0]
    for make, error, message in (
        (lambda: ag.viz.memory(3, path="a.svg"), ag.DTypeError, r"viz\.memory: `plan` is no plan\. Got int; expected a Plan\.\nhelp: "),
        (lambda: ag.viz.memory(plan, "x", path="a.svg"), ag.DTypeError, r"viz\.memory: `other` is no plan\. Got str; "),
        (lambda: ag.viz.memory(plan, path=tmp_path / "a.pdf"), ValueError, r"names no kind of picture\. Got \".*a\.pdf\"; expected \.svg"),
        (lambda: ag.viz.memory(plan), ValueError, r"needs one place\. Got neither of `path` and `ax`; expected one of them\."),
        (lambda: ag.viz.memory(plan, path="a.svg", ax=3), ValueError, r"Got both of"),
        (lambda: ag.viz.memory(plan, path="a.svg", labels=["a", "b"]), ValueError, r"labels do not fit the plans\. Got 2; expected 1\."),
        (lambda: ag.viz.memory(plan, path=tmp_path / "none" / "a.svg"), FileNotFoundError, r"a\.svg"),
    ):
        with pytest.raises(error, match=message):
            make()
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(plans, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"viz\.memory: matplotlib cannot be imported\. .*\nhelp: pip install matplotlib"):
        ag.viz.memory(plans[0], path=tmp_path / "a.svg")
