"""How long a package takes to import, and how much room it takes."""

import re
import statistics
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROUNDS = 11

IMPORT = """
import os, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {cores})
import numpy
begin = time.perf_counter()
import {package}
print(time.perf_counter() - begin)
"""


def installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def import_seconds(packages: dict[str, str], environment: dict[str, str], cores: list[int]) -> dict[str, float | str]:
    """The median seconds that a new interpreter takes to import each installed package after NumPy, in turn."""
    samples: dict[str, list[float]] = {label: [] for label, package in packages.items() if installed(package)}
    for _ in range(ROUNDS):
        for label, times in samples.items():
            code = IMPORT.format(cores=cores, package=packages[label])
            done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
            times.append(float(done.stdout))
    return {label: statistics.median(times) for label, times in samples.items()}


def megabytes(packages: dict[str, str]) -> dict[str, float | str]:
    """The size of the files of each installed package and of all it depends on, NumPy and what NumPy needs left out."""
    sizes: dict[str, float | str] = {}
    for label, package in packages.items():
        if installed(package):
            closure = dependencies(package) - dependencies("numpy")
            sizes[label] = sum(size(name) for name in closure) / 1e6
    return sizes


def dependencies(package: str) -> set[str]:
    """The package and what it needs, as far as it is installed."""
    found: set[str] = set()
    # An entry is a package and the extras that it is asked for with.
    waiting: list[tuple[str, frozenset[str]]] = [(package, frozenset())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        if not installed(name):
            continue
        found.add(re.sub(r"[-_.]+", "-", name).lower())
        for text in metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
                entry = (need.name, frozenset(need.extras))
                if entry not in seen:
                    seen.add(entry)
                    waiting.append(entry)
    return found


def size(package: str) -> int:
    paths = (Path(str(file.locate())) for file in metadata.distribution(package).files or [])
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def wheel_megabytes(folder: Path) -> float | None:
    """The size of the newest wheel in `folder`."""
    wheels = sorted(folder.glob("scirs2_autograd-*.whl"), key=lambda path: path.stat().st_mtime)
    return wheels[-1].stat().st_size / 1e6 if wheels else None
