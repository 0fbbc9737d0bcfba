"""One contender with one workload, in a process of its own that obeys the lines on its standard input.

    python benchmarks/worker.py MODULE WORKLOAD PARAMETERS CORES CLOCK

Each line is a JSON object, and so is each answer:
The first answer says whether the contender is there. Then come:
    {"do": "peak"}                  the memory that calls take, the first ones, in MB
    {"do": "check", "path": ...}    compute the workload's numbers and save them as .npz
    {"do": "loops"}                 how many calls make a sample
    {"do": "sample", "loops": n}    the seconds that a call takes, over n calls
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

SAMPLE = 0.02
"""Seconds that a sample takes at least, if calls need no preparation."""


PEAK_CALLS = 3
"""Calls whose memory is measured. The first one may plan or compile; what it leaves behind meets the others."""


def megabytes(kind: str) -> float:
    """The memory of this process now (VmRSS), or the most it had (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024 / 1e6


def growth(call: Callable[[], object]) -> float:
    """The MB of resident memory that calls take at most, beyond what the process has before."""
    # What is free must not count as had before. From here on the kernel counts the most anew: imports may have taken more than they left.
    gc.collect()
    with contextlib.suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = megabytes("VmRSS")
    for _ in range(PEAK_CALLS):
        call()
    return megabytes("VmHWM") - before


def main() -> None:
    module, name, parameters, cores, clock_name = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, json.loads(cores))
    # What a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**content) -> None:
        answers.write(json.dumps(content) + "\n")

    try:
        contender = importlib.import_module(module)
    except ImportError as e:
        return answer(missing=str(e))
    if not hasattr(contender, name):
        return answer(missing="it has no form of this row")
    import numpy as np

    clock = {"wall": time.perf_counter, "cpu": time.process_time}[clock_name]
    workload = getattr(contender, name)(**json.loads(parameters))
    answer(version=contender.version())

    def sample(loops: int) -> float:
        prepared = workload.prepare() if workload.prepare else None
        begin = clock()
        for _ in range(loops):
            workload.call(prepared)
        return (clock() - begin) / loops

    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "peak":
            answer(megabytes=growth(lambda: sample(1)) if sys.platform == "linux" else None)
        elif order["do"] == "check":
            np.savez(order["path"], *workload.check())
            answer(done=True)
        elif order["do"] == "loops":
            loops, seconds = 1, sample(1)
            if not workload.prepare and seconds < 1:
                seconds = sample(1)
                while loops * seconds < SAMPLE:
                    loops = max(loops * 2, int(SAMPLE / max(seconds, 1e-9)) // 2)
                    seconds = sample(loops)
            answer(loops=loops)
        elif order["do"] == "sample":
            answer(seconds=sample(order["loops"]))


if __name__ == "__main__":
    main()
