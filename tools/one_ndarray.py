"""Fail unless the dependency tree, with every feature, holds exactly one version of ndarray.

rust-numpy accepts a range of ndarray versions, so one dependency on an older ndarray splits the tree without an error from cargo:
arrays of the two versions are different types. Cargo.lock covers all features and targets.
"""

import sys
import tomllib
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "Cargo.lock"


def main() -> int:
    packages = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    versions = sorted(p["version"] for p in packages if p["name"] == "ndarray")
    if len(versions) == 1:
        print(f"ndarray {versions[0]}: one version in the tree")
        return 0
    print(f"ndarray: {len(versions)} versions in Cargo.lock; expected exactly one.", file=sys.stderr)
    for version in versions:
        # A dependency is written with its version only where the name alone is ambiguous.
        users = sorted(f"{p['name']} {p['version']}" for p in packages if f"ndarray {version}" in p.get("dependencies", []))
        print(f"  ndarray {version} is used by {', '.join(users) or 'nothing'}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
