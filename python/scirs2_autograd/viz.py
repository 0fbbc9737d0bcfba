"""Pictures of plans. They need matplotlib, which this package does not: `pip install matplotlib`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from ._lib import Plan
from .exceptions import DTypeError

__all__ = ["memory"]

_BLUE, _PALE, _ORANGE, _GREY, _DARK = "#1f5fa8", "#bcd3ec", "#d9652b", "#8a8f98", "#33373d"
_STYLE = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e3e5e8",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "savefig.dpi": 150,
    "svg.fonttype": "none",
    "svg.hashsalt": "scirs2_autograd",
}
#: Endings of files, and what is written into them besides.
_ENDINGS: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".png": {"Software": None}}
_UNITS = (("GB", 1e9), ("MB", 1e6), ("KB", 1e3), ("bytes", 1.0))


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as e:
        msg = f"viz.memory: matplotlib cannot be imported. Got {type(e).__name__}: {e}; expected an installed matplotlib."
        raise ImportError(f"{msg}\nhelp: pip install matplotlib") from e


def _plan(plan: object, name: str) -> Plan:
    if isinstance(plan, Plan):
        return plan
    msg = f"viz.memory: `{name}` is no plan. Got {type(plan).__name__}; expected a Plan."
    raise DTypeError(f"{msg}\nhelp: `ctx.evaluator().push(t).feed(x, a).plan()` gives one")


def _ending(path: str | os.PathLike[str]) -> str:
    ending = PurePath(path).suffix.lower()
    if ending not in _ENDINGS:
        raise ValueError(f'viz.memory: the ending names no kind of picture. Got "{os.fspath(path)}"; expected .svg or .png.')
    return ending


def memory(
    plan: Plan,
    other: Plan | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    labels: Sequence[str] | None = None,
    title: str | None = None,
) -> Any:
    """Draw what a run of `plan` holds in memory while each of its steps runs: the outputs, the values of the arena, and those
    of them that were computed again. `other`, such as the plan without checkpointing, is drawn as a line; the peak of each is
    marked. Megabytes are 1e6 bytes. What feeds, variables and constants hold is not counted.

    The picture goes into the file `path`, as SVG or PNG by its ending, or onto the axes `ax` of matplotlib, which are
    returned. `labels` name the two plans in the legend.

    `DTypeError` for what is no plan, `ValueError` for another ending, for labels that do not fit, and for both or neither of
    `path` and `ax`; `ImportError` without matplotlib; `OSError` if the file cannot be written.

    >>> with ag.Context() as ctx:
    ...     x = ctx.placeholder("x", [64, 64])
    ...     loss = T.sum(T.tanh(T.tanh(x @ x) @ x))
    ...     plan = ctx.evaluator().extend(T.grad([loss], [x])).feed(x, np.zeros((64, 64))).plan()
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ag.viz.memory(plan, path=os.path.join(folder, "memory.svg"))
    ...     print(os.listdir(folder))
    ['memory.svg']
    """
    plans = [_plan(plan, "plan")] + ([] if other is None else [_plan(other, "other")])
    if (path is None) == (ax is None):
        got = "neither" if path is None else "both"
        raise ValueError(f"viz.memory: the picture needs one place. Got {got} of `path` and `ax`; expected one of them.")
    names = ["this plan", "the other plan"][: len(plans)] if labels is None else [str(label) for label in labels]
    if len(names) != len(plans):
        raise ValueError(f"viz.memory: the labels do not fit the plans. Got {len(names)}; expected {len(plans)}.")
    if path is None:
        _draw(ax, plans, names, title)
        return ax
    ending = _ending(path)
    with _module("matplotlib").rc_context(_STYLE):
        # No pyplot: a program's own windows and its choice of a backend are left alone.
        figure = _module("matplotlib.figure").Figure(figsize=(8.0, 4.2), layout="constrained")
        _draw(figure.add_subplot(), plans, names, title)
        figure.savefig(path, format=ending[1:], metadata=_ENDINGS[ending])
    return None


def _text(n: float) -> str:
    """Bytes as people read them: `1.23 MB`."""
    unit, size = next(((u, s) for u, s in _UNITS if n >= s), _UNITS[-1])
    return f"{n:.0f} {unit}" if size == 1.0 else f"{n / size:.3g} {unit}"


def _draw(ax: Any, plans: list[Plan], names: list[str], title: str | None) -> None:
    lines = [p.memory_timeline() for p in plans]
    top = max(1, *(p.peak_bytes for p in plans), *(s.bytes for steps in lines for s in steps))
    unit, size = next(((u, s) for u, s in _UNITS if top >= s), _UNITS[-1])
    steps = lines[0]
    edges = list(range(len(steps) + 1))
    outputs = [s.output_bytes / size for s in steps]
    again = [(s.output_bytes + s.recomputed_bytes) / size for s in steps]
    total = [s.bytes / size for s in steps]

    def band(low: list[float], high: list[float], **style: Any) -> None:
        ax.fill_between(edges, [*low, *low[-1:]], [*high, *high[-1:]], step="post", linewidth=0, **style)

    if steps:
        # A line of outputs that nobody can see is not worth a place in the legend.
        if 200 * max(outputs) >= top / size:
            band([0.0] * len(steps), outputs, color="#d5d8dd", label="outputs")
        if any(s.recomputed_bytes for s in steps):
            band(outputs, again, facecolor="#f3c7ae", edgecolor=_ORANGE, hatch="////", label="computed again")
        band(again, total, color=_PALE, label="kept, gradients and scratch")
        ax.stairs(total, edges, color=_BLUE, linewidth=1.4, baseline=None, label=names[0])
    for other, name in zip(lines[1:], names[1:], strict=True):
        ax.stairs(
            [s.bytes / size for s in other],
            list(range(len(other) + 1)),
            color=_DARK,
            linewidth=1.4,
            linestyle=(0, (4, 2)),
            baseline=None,
            label=name,
        )
    longest = max(1, *(len(line) for line in lines))
    for line, colour in zip(lines, (_BLUE, _DARK), strict=False):
        if not line:
            continue
        peak = max(line, key=lambda s: s.bytes)
        x, y = peak.step + 0.5, peak.bytes / size
        ax.plot([x], [y], "o", color=colour, markersize=5, zorder=3)
        # Beside the middle of the picture, so that it stays inside.
        right = x < 0.6 * longest
        ax.annotate(
            f"peak {_text(peak.bytes)}",
            (x, y),
            xytext=(6 if right else -6, 6),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom",
            color=colour,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        )
    ax.set_xlim(0, longest)
    ax.set_ylim(0, 1.18 * top / size)
    ax.set_xlabel("step of the plan")
    ax.set_ylabel(f"memory held ({unit})")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if title is None:
        peaks = [p.peak_bytes for p in plans]
        title = f"Peak {_text(peaks[0])}"
        if len(peaks) > 1:
            title += f" instead of {_text(peaks[1])}" + (f" ({1.0 - peaks[0] / peaks[1]:.0%} saved)" if peaks[0] < peaks[1] else "")
    ax.set_title(title)
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=3, fontsize=9, borderaxespad=0.0, handlelength=1.8)
