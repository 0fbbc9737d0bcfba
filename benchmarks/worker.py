"""One contender with one workload, in a process of its own that obeys the lines on its standard input.

    python benchmarks/worker.py MODULE WORKLOAD PARAMETERS CORE CLOCK

Each line is a JSON object, and so is each answer:
The first answer says whether the contender is there. Then come:
    {"do": "check", "path": ...}    compute the workload's numbers and save them as .npz
    {"do": "loops"}                 how many calls make a sample
    {"do": "sample", "loops": n}    the seconds that a call takes, over n calls
"""

import importlib
import json
import os
import sys
import time

SAMPLE = 0.02
"""Seconds that a sample takes at least, if calls need no preparation."""


def main() -> None:
    module, name, parameters, core, clock_name = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
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
        if order["do"] == "check":
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
