PYTHON ?= python3
BIN := .venv/bin

.PHONY: venv demo test cluster-tools test-cluster proof check lint clean

venv: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gke2eks needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python $(BIN)/python install -q -c constraints.txt -e '.[dev]'
	@touch $@

# A whole move on two practice clusters: export, plan, preflight, apply, release, diff.
demo: venv
	@$(BIN)/python examples/demo.py

test: venv
	$(BIN)/pytest -n 2 -q

# Builds etcd, the Kubernetes programs and kwok into ~/.cache/gke2eks, once. Without Go it says so and is no error.
cluster-tools:
	@$(PYTHON) tests/rig/build.py

# The lane against real API servers. PYTEST_ARGS="-k corpus" picks tests.
test-cluster: venv
	@why=$$(PYTHONPATH=tests $(BIN)/python -m rig.assets); case $$? in \
	0) $(BIN)/pytest -n 2 -q tests/cluster $(PYTEST_ARGS);; \
	3) echo "cluster lane skipped: $$why";; \
	*) exit 1;; \
	esac

# The figures of docs/proof.md; takes some minutes.
proof: venv
	@PYTHONPATH=tests $(BIN)/python -m rig.proof

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(MAKE) test

clean:
	rm -rf .venv demo-out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
