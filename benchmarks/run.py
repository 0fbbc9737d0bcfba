"""Compare scirs2_autograd with PyTorch and JAX on the same cores, and print a table in Markdown.

    python benchmarks/run.py [ROW ...] [--rounds 15] [--limit 60] [--threads 1] [--cores N,...] [--clock wall]

A peer that is not installed is left out. `--help` lists the rows.
"""

import argparse
import contextlib
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import footprint

HERE = Path(__file__).resolve().parent

OURS = "scirs2_autograd"
CONTENDERS = {
    OURS: "contender_scirs2",
    "PyTorch": "contender_torch",
    "PyTorch, memory kept": "contender_torch",
    "JAX": "contender_jax",
    "autograd": "contender_autograd",
    "NumPy": "contender_numpy",
}

# Seconds between samples of several threads: those of OpenBLAS spin for some 25 ms after a call, on a core that the next contender needs.
REST = 0.1
# What says how many threads a contender uses. XLA takes NPROC.
THREADS = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SCIRS2_AUTOGRAD_THREADS", "NPROC"]
# They choose slower kernels on some machines, and are removed.
SLOWER = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# By default the C library gives large blocks back to the system, and PyTorch pays for fresh pages at the next call.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36)}
# It also raises, as blocks are freed, the size from which it does so; where memory is compared, large blocks always go back.
RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**20)}


@dataclass
class Row:
    title: str
    workload: str
    parameters: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-9
    large: bool = False  # arrays so large that it matters whether memory is kept
    rounds: int | None = None
    peak: bool = False  # the memory that it takes is a line of its own
    returned: bool = False  # PyTorch's large blocks go back to the system at once, unless all memory is kept


ROWS: dict[str, list[Row]] = {
    "a": [
        Row("three derivatives of 2x² + 3y + 1, kept graph", "derivatives_kept"),
        Row("the same, whole program each time", "derivatives_anew"),
    ],
    "b": [
        Row("value and gradient, 12 functions of 1e6 float32", "elementwise", {"size": 10**6}, 1e-4, large=True),
        Row("the same, 1e7 float32", "elementwise", {"size": 10**7}, 1e-4, large=True),
    ],
    "c": [
        Row("sum((x + y)²) of (4096, 1) and (1, 4096), both gradients", "broadcast", {"size": 4096}, 1e-3, large=True),
        Row("the same with mean", "broadcast", {"size": 4096, "mean": True}, 1e-3, large=True),
    ],
    "d": [
        *(Row(f"Adam step of 784-128-10, batch {n}", "adam_step", {"widths": [784, 128, 10], "batch": n}, 1e-3) for n in (32, 128, 1024)),
        Row("Adam step of 784-1024-1024-10, batch 256", "adam_step", {"widths": [784, 1024, 1024, 10], "batch": 256}, 1e-3, large=True),
    ],
    "e": [
        Row("chain of 100,000 nodes: built and differentiated", "chain_built", {"links": 25_000}, rounds=3),
        Row("the same: planned and run for the first time", "chain_first_run", {"links": 25_000}, rounds=3),
        Row("the same: run again", "chain_again", {"links": 25_000}, rounds=3),
    ],
    "f": [Row("new graph of 1,000 nodes and its gradient, to the first result", "chain_to_first_result", {"links": 250})],
    "g": [],
    "h": [
        Row("cumulative sum of 1e7 float32", "cumulative_sum", {"size": 10**7}, 1e-3, large=True),
        Row("sort of 1e6 float32", "sort", {"size": 10**6}, large=True),
        Row("argsort of 1e6 float32", "argsort", {"size": 10**6}, large=True),
        Row("the 100 largest of 1e6 float32", "largest", {"size": 10**6, "k": 100}, large=True),
    ],
    "i": [
        Row("gather of 1e6 float32 from 1e6", "gather", {"size": 10**6}, large=True),
        Row("scatter-add of 1e6 float32 to 1e6", "scatter_add", {"size": 10**6}, 1e-5, large=True),
    ],
    "j": [Row("einsum bij,bjk->bik of (64, 128, 128) float32", "einsum", {"count": 64, "size": 128}, 1e-4, large=True)],
    "k": [
        Row(f"sum of ({rows}, {columns}) float32 over axis {axis}", "sum_over", {"rows": rows, "columns": columns, "axis": axis}, 1e-3)
        for rows, columns in ((4096, 4096), (10**6, 3))
        for axis in (0, 1)
    ],
    "l": [
        Row("Hessian of the Rosenbrock function of 100 numbers", "rosenbrock_hessian", {"size": 100}),
        Row("Hessian of a network of 8, 10 and 1 units, 101 parameters", "network_hessian"),
    ],
    "m": [Row("RNN of 128 steps written with slices, value and gradients", "recurrent", {"steps": 128}, 1e-3)],
    # NumPy's arrays in and out: functions as a scientist calls them.
    "n": [
        Row(
            f"Rosenbrock function of {n:,} numbers and its gradient, compiled",
            "rosenbrock_compiled",
            {"size": n},
        )
        for n in (10, 100, 1000, 10_000)
    ],
    "o": [Row(f"the same, of {n:,} numbers, traced in each call", "rosenbrock_traced", {"size": n}) for n in (10, 100, 1000, 10_000)],
    "p": [
        Row("its Hessian for 100 numbers, compiled", "rosenbrock_hessian_compiled", {"size": 100}),
        Row("gradient through 200 steps of Runge-Kutta in a Python loop, compiled", "runge_kutta", {"steps": 200}),
        Row("the same, to the first result", "runge_kutta_anew", {"steps": 200}, rounds=3),
    ],
    "q": [Row("200 steps of Runge-Kutta over 4 numbers, 6,600 operations at once", "runge_kutta_at_once", {"steps": 200})],
    "r": [
        Row("mean of 12 functions and its gradient, 1e6 float32", "elementwise", {"size": 10**6, "mean": True}, 1e-4, large=True),
        Row("the same, 1e7 float32", "elementwise", {"size": 10**7, "mean": True}, 1e-4, large=True),
    ],
    "s": [
        Row("cross-entropy of 4096 labels of 1000, mean and gradient", "label_loss", {"rows": 4096, "columns": 1000}, 1e-4, large=True),
        Row(
            "the same after layer norm and GELU, three gradients",
            "normalized_loss",
            {"rows": 4096, "columns": 1000},
            1e-3,
            large=True,
        ),
        Row("the same, less the labels 0", "normalized_loss_of_some", {"rows": 4096, "columns": 1000}, 1e-3, large=True),
    ],
    "t": [
        Row(
            "LSTM of 128 steps, batch 8, width 128, its cell written with slices, value and gradients",
            "lstm",
            {"steps": 128, "batch": 8, "width": 128},
            1e-3,
        ),
        Row("the same by the function of each library", "lstm_layer", {"steps": 128, "batch": 8, "width": 128}, 1e-3),
    ],
    "u": [
        Row(
            "attention block, batch 8, sequence 128, width 128, 4 heads, value and gradients",
            "attention",
            {"batch": 8, "length": 128, "width": 128, "heads": 4},
            1e-3,
            large=True,
        )
    ],
    "v": [
        Row(
            "64 layers of width 512, batch 2048, value and gradients",
            "deep",
            {"depth": 64, "width": 512, "batch": 2048},
            # Of 67 million units some get a sum so near 0 that rounding decides its sign, and with it a term of a mean over 2048.
            3e-2,
            large=True,
            rounds=5,
            peak=True,
        )
    ],
    "w": [
        Row(
            title,
            "deep_step",
            {"depth": 64, "width": 512, "batch": 2048, "kept": kept},
            3e-2,
            large=True,
            rounds=5,
            peak=True,
            returned=True,
        )
        for title, kept in (
            ("SGD step of 64 layers of width 512, batch 2048", None),
            ("the same, every 8th layer kept and the others computed again", 8),
        )
    ],
    "aa": [
        *(
            Row(
                f"convolution {channels} -> {filters}, {kernel} x {kernel}, of {side} x {side}, batch 32, value and gradients",
                "convolution",
                {"channels": channels, "filters": filters, "kernel": kernel, "side": side, "batch": 32},
                1e-3,
                large=True,
            )
            for channels, filters, kernel, side in ((16, 32, 3, 28), (64, 64, 3, 32), (3, 16, 3, 32))
        ),
        Row("LeNet with batch norm, batch 32, value and gradients", "lenet_step", {"batch": 32}, 1e-3),
        Row(
            "residual block of 64 channels, 32 x 32, batch 32, value and gradients",
            "residual_step",
            {"width": 64, "side": 32, "batch": 32},
            1e-3,
            large=True,
        ),
    ],
    **{
        key: [
            Row(f"{op} of {what}, {kind}", workload, {"op": op, "size": size, "batch": batch}, 1e-6, rounds=9)
            for what, size, batch in sizes
            for op in ("solve", "inv", "det", "cholesky", "eigh", "svd")
            for kind, workload in (("value", "matrix_value"), ("value and gradient", "matrix_gradient"))
        ]
        for key, sizes in (
            ("x", [("32 x 32 float64", 32, None), ("256 x 256 float64", 256, None)]),
            ("y", [(f"1,000 matrices {n} x {n} float64", n, 1000) for n in (3, 4, 8)]),
        )
    },
    "z": [
        Row(
            f"product of {tuple(left)} and {tuple(right)} {dtype}{turned and f', the {turned} one transposed'}",
            "product",
            {"left": left, "right": right, "turned": turned, "dtype": dtype},
            1e-3 if dtype == "float32" else 1e-9,
        )
        for left, right, turned, dtypes in (
            *(([n, n], [n, n], "", ("float32", "float64")) for n in (64, 256, 1024)),
            ([1000, 77], [77, 333], "", ("float32",)),
            *(([64, n, n], [64, n, n], "", ("float32",)) for n in (8, 32)),
            ([100_000, 16], [16, 16], "", ("float32",)),
            ([16, 100_000], [100_000, 16], "", ("float32",)),
            ([4096, 4096], [4096, 1], "", ("float32", "float64")),
            ([1, 4096], [4096, 4096], "", ("float32", "float64")),
            *(([8, 512], [512, 128], turned, ("float32",)) for turned in ("", "left", "right")),
            ([1, 10**6], [10**6, 1], "", ("float32",)),
        )
        for dtype in dtypes
    ],
}


def environment(threads: int) -> dict[str, str]:
    """The environment of a contender that uses as many threads."""
    return {
        **{k: v for k, v in os.environ.items() if k not in SLOWER},
        **dict.fromkeys(THREADS, str(threads)),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
    }


class OverLimit(Exception):
    """A contender did not answer in time."""


class Contender:
    """A worker process, and what it measured."""

    def __init__(self, label: str, row: Row, args: argparse.Namespace) -> None:
        self.label, self.limit = label, args.limit
        self.samples: list[float] = []
        self.loops = 1
        self.outcome: str | None = None  # why there is no time
        self.megabytes: float | None = None
        returned = RETURN_MEMORY if label == "PyTorch" and row.returned else {}
        kept = KEEP_MEMORY if label == "PyTorch, memory kept" else returned
        command = [sys.executable, str(HERE / "worker.py"), CONTENDERS[label], row.workload, json.dumps(row.parameters)]
        self.process = subprocess.Popen(
            [*command, json.dumps(args.cores), args.clock],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(args.threads) | kept,
        )

    def read(self) -> dict:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], self.limit)[0]:
            raise OverLimit
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.label}: the process ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, **order) -> dict:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return self.read()

    def guarded(self, action) -> None:
        """Run `action`, unless this contender is out; note if it takes too long."""
        if self.outcome is None:
            try:
                action()
            except OverLimit:
                self.outcome = f"over {self.limit:.0f} s"
                self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def compare(row: Row, answers: dict[str, list[np.ndarray]]) -> None:
    """All contenders must have computed the same numbers."""
    if not answers:
        return
    reference, expected = next(iter(answers.items()))
    for label, arrays in answers.items():
        for got, want in zip(arrays, expected, strict=True):
            scale = max(float(np.abs(want).max()), 1e-30)
            error = float(np.abs(got.reshape(want.shape).astype(np.float64) - want).max()) / scale
            if not error <= row.tolerance:
                sys.exit(
                    f"{row.title}: {label} and {reference} differ by {error:.1e} of the largest value; at most {row.tolerance:.0e} allowed"
                )


Figures = dict[str, float | str]


def measure(row: Row, args: argparse.Namespace, versions: dict[str, str]) -> tuple[Figures, Figures]:
    """The median seconds of each contender, or why there are none; and the memory that they take, in MB, where the row asks for it."""
    contenders = [Contender(label, row, args) for label in CONTENDERS if row.large or label != "PyTorch, memory kept"]
    answers: dict[str, list[np.ndarray]] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for c in contenders:
                path = Path(folder) / f"{len(answers)}.npz"

                def start(c=c, path=path):
                    hello = c.read()
                    if "missing" in hello:
                        c.outcome = ""
                        print(f"  {c.label} is left out: {hello['missing']}", file=sys.stderr)
                        return
                    # NumPy's version is on the line already.
                    if c.label != "NumPy":
                        versions[c.label.split(",")[0]] = hello["version"]
                    if row.peak:
                        c.megabytes = c.ask(do="peak")["megabytes"]
                    c.ask(do="check", path=str(path))
                    with np.load(path) as arrays:
                        answers[c.label] = list(arrays.values())
                    c.loops = c.ask(do="loops")["loops"]

                c.guarded(start)
        compare(row, answers)
        for _ in range(row.rounds or args.rounds):
            for c in contenders:
                c.guarded(lambda c=c: c.samples.append(c.ask(do="sample", loops=c.loops)["seconds"]))
                if args.threads > 1:
                    time.sleep(REST)
    finally:
        for c in contenders:
            c.close()
    times: Figures = {c.label: c.outcome if c.outcome is not None else statistics.median(c.samples) for c in contenders}
    return times, {c.label: c.megabytes for c in contenders if c.megabytes is not None}


def seconds_text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    unit, scale = next(((unit, scale) for unit, scale in (("s", 1), ("ms", 1e-3)) if value >= scale), ("µs", 1e-6))
    return f"{value / scale:#.3g}".rstrip(".") + f" {unit}"


def megabytes_text(value: float) -> str:
    return f"{value:,.1f} MB"


def table_line(title: str, results: Figures, text=seconds_text) -> str:
    peers = [v for label, v in results.items() if label != OURS and isinstance(v, float)]
    ours = results.get(OURS)
    ratio = f"{min(peers) / ours:.2f}" if peers and isinstance(ours, float) else ""
    return "| " + " | ".join([title, *(text(results[label]) if label in results else "" for label in CONTENDERS), ratio]) + " |"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def core_numbers(text: str) -> list[int]:
    return [int(core) for core in text.split(",")]


def options() -> argparse.Namespace:
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    rows = "\n".join(f"  {key}  {'; '.join(r.title for r in rows) or 'import time and size'}" for key, rows in ROWS.items())
    parser = argparse.ArgumentParser(
        description="Compare scirs2_autograd with PyTorch and JAX on the same cores.",
        epilog=f"rows:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="letters of the rows to run (default: all)")
    parser.add_argument("--rounds", type=int, default=15, help="samples of each contender (default 15)")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a contender is given up (default 60)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each contender, as many cores (default 1)")
    parser.add_argument("--cores", type=core_numbers, help="the cores that all run on, with commas between them (default: the last ones)")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="what is measured; cpu on a machine that others use too")
    args = parser.parse_args()
    unknown = set(args.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    if not 1 <= args.threads <= len(allowed):
        parser.error(f"--threads is from 1 to {len(allowed)}, the number of cores here")
    args.cores = allowed[-args.threads :] if args.cores is None else args.cores
    if len(set(args.cores)) != args.threads or not set(args.cores) <= set(allowed):
        parser.error(f"--cores names as many cores as there are threads, of {', '.join(map(str, allowed))}")
    if args.clock == "cpu" and args.threads > 1:
        parser.error("--clock cpu adds up the time of all threads; it is for one")
    return args


def main() -> None:
    args = options()
    versions: dict[str, str] = {}
    lines = []
    for key in args.rows or ROWS:
        for row in ROWS[key]:
            print(f"{key}: {row.title}", file=sys.stderr)
            times, peaks = measure(row, args, versions)
            lines.append(table_line(row.title, times))
            if peaks:
                lines.append(table_line("the same: peak memory, beyond inputs and imports", peaks, megabytes_text))
        if key == "g":
            print("g: import time and size", file=sys.stderr)
            labels = {OURS: "scirs2_autograd", "PyTorch": "torch", "JAX": "jax"}
            times, sizes = footprint.import_seconds(labels, environment(args.threads), args.cores), footprint.megabytes(labels)
            lines.append(table_line("import, beyond NumPy", times))
            lines.append(table_line("installed size with dependencies, beyond NumPy", sizes, megabytes_text))
    print(f"{processor()}, Python {platform.python_version()}, NumPy {np.__version__},", end=" ")
    print(", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    on = "One thread on one core" if args.threads == 1 else f"{args.threads} threads on {args.threads} cores"
    print(f"{on} each, contenders in turn, medians of {args.rounds} samples, {args.clock} clock.")
    wheel = footprint.wheel_megabytes(HERE.parent / "dist")
    if wheel is not None:
        print(f"The wheel of scirs2_autograd has {wheel:.1f} MB.")
    print("\n| | " + " | ".join(CONTENDERS) + " | best peer / ours |")
    print("| --- |" + " --: |" * (len(CONTENDERS) + 1))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
