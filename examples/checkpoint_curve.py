"""Time against memory: the training step of a deep network under memory budgets and checkpoint policies.

    python examples/checkpoint_curve.py [--layers 32] [--width 256] [--batch 512] [--out out/checkpoint_curve.png]

Each row of the table is one plan of the same step, which gives the same numbers to the last bit: what it holds at its peak,
and the median time of a run. Budgets are shares of the peak of the plan that computes nothing again. Ctrl-C ends the sweep; what
was measured until then is written.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

POLICIES = {
    "everything": lambda: ag.policies.everything(),
    "every_layers(2)": lambda: ag.policies.every_layers(2),
    "every_layers(4)": lambda: ag.policies.every_layers(4),
    "every_layers(8)": lambda: ag.policies.every_layers(8),
    "segments": lambda: ag.policies.segments(),
    "products": lambda: ag.policies.products(),
    "nothing": lambda: ag.policies.nothing(),
}
BUDGETS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2)


@dataclass
class Point:
    """What a plan of the step takes."""

    kind: str
    name: str
    peak_bytes: int
    #: The median of a run.
    seconds: float
    #: Values that a run computes again.
    recomputed: int


class Step:
    """A training step of a network of equal layers over random data: SGD on the mean of the squared outputs."""

    def __init__(self, layers: int, width: int, batch: int, seed: int) -> None:
        self.env = ag.VariableEnvironment()
        rng = ag.ArrayRng(seed=seed, dtype="float32")
        for k in range(layers):
            self.env.name(f"w{k}").set(rng.glorot_uniform([width, width]))
        self.sgd = ag.optimizers.SGD(0.01)
        self.ctx = ag.Context(self.env)
        x = h = self.ctx.placeholder("x", [batch, width])
        weights = [self.ctx.variable(f"w{k}") for k in range(layers)]
        for w in weights:
            h = T.gelu(h @ w)
        loss = T.mean(h * h)
        images = np.random.default_rng(seed).standard_normal((batch, width), dtype=np.float32)
        self.request = ([loss], weights, T.grad([loss], weights), self.ctx, {x: images})

    def say(self, policy: object, budget: int | None) -> None:
        """Sets what is said of memory; None sets nothing."""
        self.env.set_checkpoint_policy(policy)
        self.env.set_memory_budget(budget)

    def measure(self, kind: str, name: str, runs: int) -> Point:
        self.sgd.update_and_eval(*self.request)
        times = []
        with T.CheckpointProfiler.of(self.env) as tracker:
            self.sgd.update_and_eval(*self.request)
        # Untracked runs are timed: a tracker looks at the clock at every step.
        for _ in range(runs):
            begin = time.perf_counter()
            self.sgd.update_and_eval(*self.request)
            times.append(time.perf_counter() - begin)
        return Point(kind, name, tracker.peak_bytes(), statistics.median(times), tracker.checkpoint_count())


def sweep(step: Step, policies: list[str], budgets: list[float], runs: int) -> Iterator[Point | str]:
    """The points, or why there is none."""
    step.say(None, None)
    first = step.measure("policy", "everything", runs)
    yield first
    for name in policies:
        if name != "everything":
            step.say(POLICIES[name](), None)
            yield step.measure("policy", name, runs)
    for share in sorted(budgets, reverse=True):
        step.say(None, int(share * first.peak_bytes))
        try:
            yield step.measure("budget", f"{share:.0%}", runs)
        except MemoryError as e:
            yield f"budget {share:.0%}: {str(e).splitlines()[0]}"
            return


def figure(path: Path, points: list[Point], title: str) -> None:
    """Time over peak: budgets as a line, policies as named points."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {"axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e5e8", "axes.axisbelow": True}
    style |= {"axes.titlelocation": "left", "legend.frameon": False, "savefig.dpi": 150, "svg.fonttype": "none", "svg.hashsalt": "curve"}
    with mpl.rc_context(style):
        fig = Figure(figsize=(8, 4.6), layout="constrained")
        ax = fig.add_subplot()
        base = points[0]
        line = sorted([base, *(p for p in points if p.kind == "budget")], key=lambda p: p.peak_bytes)

        def plot(list_of: list[Point], form: str, colour: str, size: int, label: str) -> None:
            xs, ys = [p.peak_bytes / 1e6 for p in list_of], [p.seconds / base.seconds for p in list_of]
            ax.plot(xs, ys, form, color=colour, markersize=size, label=label)

        if len(line) > 1:
            plot(line, "o-", "#1f5fa8", 4, "memory budget")
        named = [p for p in points if p.kind == "policy"]
        plot(named, "D", "#d9652b", 6, "policy")
        middle = (min(p.peak_bytes for p in points) + max(p.peak_bytes for p in points)) / 2
        # Labels of points that lie close together go above and below in turn.
        for k, p in enumerate(sorted(named, key=lambda p: p.peak_bytes)):
            left, above = p.peak_bytes < middle, k % 2 == 0
            ax.annotate(
                p.name,
                (p.peak_bytes / 1e6, p.seconds / base.seconds),
                xytext=(5 if left else -5, 7 if above else -13),
                textcoords="offset points",
                ha="left" if left else "right",
                fontsize=9,
                color="#33373d",
            )
        ax.margins(0.08, 0.14)
        ax.set(title=title, xlabel="peak of the run (MB)", ylabel="time, times that without recomputation")
        fig.legend(loc="outside lower center", ncols=2)
        fig.savefig(path)


def options(argv: list[str] | None = None) -> argparse.Namespace:
    def positive(text: str) -> int:
        value = int(text)
        if value < 1:
            raise argparse.ArgumentTypeError(f"got {value}; expected 1 or more")
        return value

    def shares(text: str) -> list[float]:
        values = [float(part) for part in text.split(",") if part.strip()]
        if not all(0.0 < v <= 1.0 for v in values):
            raise argparse.ArgumentTypeError(f"got {text}; expected numbers above 0 and up to 1")
        return values

    def names(text: str) -> list[str]:
        values = [part.strip() for part in text.split(",") if part.strip()]
        unknown = [v for v in values if v not in POLICIES]
        if unknown:
            raise argparse.ArgumentTypeError(f"got {unknown[0]}; expected of {', '.join(POLICIES)}")
        return values

    def picture(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in (".png", ".svg"):
            raise argparse.ArgumentTypeError(f"got {text}; expected a path that ends in .png or .svg")
        return path

    parser = argparse.ArgumentParser(
        description="Time against memory: the training step of a deep network under memory budgets and checkpoint policies.",
        epilog="A budget is a limit in bytes: the plan keeps within it and computes as little again as it can.",
    )
    parser.add_argument("--layers", type=positive, default=32, help="layers of the network (default 32)")
    parser.add_argument("--width", type=positive, default=256, help="units of a layer (default 256)")
    parser.add_argument("--batch", type=positive, default=512, help="rows of a step (default 512)")
    parser.add_argument("--runs", type=positive, default=7, help="timed runs of each plan; the median counts (default 7)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the data (default 0)")
    shown = ",".join(f"{b:g}" for b in BUDGETS)
    parser.add_argument("--budgets", type=shares, default=list(BUDGETS), help=f"shares of the peak, '' for none (default {shown})")
    parser.add_argument("--policies", type=names, default=list(POLICIES), help=f"policies, with commas (default {','.join(POLICIES)})")
    parser.add_argument("--csv", type=Path, help="file for the table as CSV")
    parser.add_argument("--json", type=Path, help="file for the table and the sizes as JSON")
    parser.add_argument("--out", type=picture, default=Path("out/checkpoint_curve.png"), help="file for the figure, .png or .svg")
    parser.add_argument("--no-figure", action="store_true", help="draw nothing; matplotlib is not needed then")
    return parser.parse_args(argv)


def write(args: argparse.Namespace, points: list[Point]) -> None:
    """The files that were asked for."""
    rows = [asdict(p) for p in points]
    for path in filter(None, (args.csv, args.json, None if args.no_figure else args.out)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if args.csv:
        with args.csv.open("w", newline="") as f:
            table = csv.DictWriter(f, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    if args.json:
        sizes = {k: getattr(args, k) for k in ("layers", "width", "batch", "runs", "seed")}
        args.json.write_text(json.dumps({**sizes, "threads": ag.get_num_threads(), "points": rows}, indent=1) + "\n")
    if not args.no_figure:
        figure(args.out, points, f"A training step of {args.layers} layers of {args.width} units, {args.batch} rows")
    for path in filter(None, (args.csv, args.json, None if args.no_figure else args.out)):
        print(f"wrote {path}")


def main(argv: list[str] | None = None) -> int:
    args = options(argv)
    step = Step(args.layers, args.width, args.batch, args.seed)
    points: list[Point] = []
    interrupted = False
    print(f"{args.layers} layers of {args.width} units, {args.batch} rows, float32, {ag.get_num_threads()} threads")
    print(f"{'':24}{'peak MB':>10}{'of it':>8}{'ms a run':>10}{'times':>8}{'computed again':>16}", flush=True)
    try:
        for p in sweep(step, args.policies, args.budgets, args.runs):
            if isinstance(p, str):
                print(p)
                continue
            points.append(p)
            base = points[0]
            share, times = p.peak_bytes / base.peak_bytes, p.seconds / base.seconds
            print(
                f"{p.kind:8}{p.name:16}{p.peak_bytes / 1e6:>10.2f}{share:>8.0%}{1e3 * p.seconds:>10.2f}{times:>8.2f}{p.recomputed:>16}",
                flush=True,
            )
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted", file=sys.stderr)
    if points:
        write(args, points)
    return 130 if interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
