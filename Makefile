# make demo   from a bare machine to a picture with detected interactions
# make test   the tests; test-slow with the long ones
# make setup  the environment alone
# make study  the README's table of what label-free training reaches
# make web    a page in the browser for the demo's detector, this machine's own
# make docs   the documents as web pages, with every link checked
# make lint   style, spelling, types; make format mends what it can
# PYTHON=python3.12 picks a Python, ROW=openmmlab the upstream packages,
# TORCH=2.14.1 (or an index, or a folder of wheels) a torch, OPS=compiled
# compiles mmcv's operators, JOBS=4 how many runs of a study go side by side (2).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
ROW ?= onedl
SUFFIX := $(if $(filter-out onedl,$(ROW)),-$(ROW))
VENV := .venv$(SUFFIX)
RUN := $(VENV)/bin/python
CONFIG := configs/clhoi_r18_mini.py
DATA := data/mini
WORK := work_dirs/clhoi_r18_mini$(SUFFIX)
JOBS ?= 2
DURATIONS ?= 10
FEATURES := work_dirs/mini_study/features$(SUFFIX).safetensors

# Tests: as many processes as cores, but for memory's sake no more than eight.
SIDE_BY_SIDE = $(shell $(RUN) -c 'import os, xdist; \
  n = min(len(os.sched_getaffinity(0)), 8); \
  print(f"-n {n} --dist loadfile --no-loadscope-reorder" if n > 1 else "")' \
  2>/dev/null)

# More threads than this make small images slower.
OWN_THREADS := $(if $(OMP_NUM_THREADS),yes)
export OMP_NUM_THREADS ?= $(shell n=$$(nproc); echo $$((n < 8 ? n : 8)))
# Idle threads sleep soon: where others work on the cores, threads that wait
# for each other in loops take twenty times as long.
export GOMP_SPINCOUNT ?= 3000
# glibc gives memory back after every tensor and page-faults for the next.
export MALLOC_MMAP_MAX_ := 0
export MALLOC_TRIM_THRESHOLD_ := 34359738368
export MALLOC_TOP_PAD_ := 268435456

DOCS := .venv-docs
LINT := .venv-lint

.PHONY: help setup demo web study lint format test test-slow docs clean \
  distclean

help:
	@sed -n '1,10s/^# //p' Makefile

setup:
	@command -v $(PYTHON) >/dev/null || { sh tools/setup/no_python.sh \
	  '$(PYTHON)'; exit 1; } >&2
	@$(PYTHON) tools/setup/make_env.py $(ROW) $(VENV) --ops '$(OPS)' \
	  --torch '$(TORCH)'

demo: $(WORK)/.tested
	@echo; echo 'Interactions on images never seen in training, in percent:'
	@grep '^mAP' $(WORK)/test.log
	@echo "A picture with drawn interactions, one of several:"
	@find $(WORK)/pictures -type f | sort | sed -n 1p
	@printf '\nSeconds after set-up, each step when it last ran:\n'
	@for step in data:$(DATA)/.done training:$(WORK)/.trained \
	  'test and pictures':$(WORK)/.tested; \
	  do printf '  %-18s%4s\n' "$${step%:*}" "$$(cat "$${step##*:}")"; done

# Each step leaves a stamp when it has ended well, and only then: how many
# seconds it took.
$(DATA)/.done: | setup
	$(RUN) projects/mini_world/make_mini.py --out $(DATA); \
	  echo $$SECONDS > $@

$(WORK)/.trained: $(CONFIG) $(DATA)/.done | setup
	$(RUN) tools/train.py $(CONFIG) --work-dir $(WORK) \
	  $(if $(wildcard $@),,--resume); echo $$SECONDS > $@

$(WORK)/.tested: $(WORK)/.trained
	$(RUN) tools/test.py $(CONFIG) "$$(cat $(WORK)/last_checkpoint)" \
	  --eval mAP --show-dir $(WORK)/pictures --show-score-thr 0.15 | tee $(WORK)/test.log; \
	  echo $$SECONDS > $@

# Examples of the training images, with pseudo-labels, and of test images.
web: $(WORK)/.trained
	@$(PYTHON) tools/setup/make_env.py $(ROW) $(VENV) --extra web
	$(RUN) tools/web_demo.py --weights "$$(cat $(WORK)/last_checkpoint)" \
	  --teacher $(DATA)/teacher/train_typical \
	  --examples $(DATA)/train/images/00000[1-3].png \
	  $(DATA)/test/images/00000[1-9].png $(WEB)

# The frozen detector's features, computed once for all runs of a study.
$(FEATURES): $(CONFIG) $(DATA)/.done | setup
	$(RUN) tools/analysis_tools/cache_detections.py $(CONFIG) --features --out $@

# The README's table; results are kept, an interrupted study goes on. Runs
# share the cores: each has threads of its own unless the user says how many.
study: $(FEATURES)
	$(if $(OWN_THREADS),,env -u OMP_NUM_THREADS) $(RUN) \
	  projects/studies/study.py configs/studies/mini.py \
	  --features $(FEATURES) --jobs $(JOBS)

# All that is wrong is shown before it fails.
lint: $(LINT)/.done
	@failed=; \
	for tool in 'ruff check' 'ruff format --check' codespell mypy; do \
	  $(LINT)/bin/$$tool || failed=yes; \
	done; \
	test -z "$$failed" || { echo 'lint: run "make format", then mend' \
	  'by hand what "make lint" still shows.'; exit 1; } >&2

format: $(LINT)/.done
	@$(LINT)/bin/ruff check --fix --exit-zero
	@$(LINT)/bin/ruff format

test: | setup
	@$(RUN) -m pytest $(SIDE_BY_SIDE) --durations=$(DURATIONS)

test-slow: | setup
	@$(RUN) -m pytest -m '' $(SIDE_BY_SIDE) --durations=$(DURATIONS)

docs: $(DOCS)/.done
	@$(DOCS)/bin/sphinx-build -q -W --keep-going docs build/docs
	@echo build/docs/index.html

$(DOCS)/.done $(LINT)/.done: .venv-%/.done: requirements/%.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check -r $< || { \
	  echo 'packages of $< could not be installed: see above, then run the' \
	  'same command again.'; exit 1; } >&2
	@touch $@

clean:
	rm -rf $(DATA) work_dirs/clhoi_r18_mini*

distclean: clean
	rm -rf .venv .venv-openmmlab $(DOCS) $(LINT) .ruff_cache build/docs
