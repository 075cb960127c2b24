# make lab    the course, opened in JupyterLab        make test    every check
# Needs Debian (or any Unix) with Python 3.11 to 3.13 and its venv module; PYTHON=python3.12 make lab chooses another.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin
FIRST  := notebooks/00_welcome.ipynb
PYTEST := $(BIN)/python -m pytest
# The longest lessons first, so that no worker is left with one at the end.
LONG   := $(wildcard $(foreach number,12 10 11 09 08 05 04 14,notebooks/$(number)_*.ipynb))
LESSONS := $(LONG) $(filter-out $(LONG),$(wildcard notebooks/*.ipynb))
# What a lesson does not ask for cannot change it: the others are the same with CIFAR-10 and without.
DIFFER  = $(shell grep -lE 'load_images|load_pretrained|COURSE_DATA|COURSE_FAST' $(LESSONS))
NBVAL  := $(PYTEST) --nbval --nbval-current-env --nbval-cell-timeout=870 --timeout=900 \
          -n $(JOBS) --dist loadscope -q
SHARE  := -n $(JOBS) --dist worksteal
TIMES  := $(VENV)/times.txt
PIP    := $(BIN)/python -m pip install --disable-pip-version-check $(shell [ -t 2 ] || echo --quiet)

# What must hold on every backend.
JAX_TESTS := $(wildcard $(foreach name,patches vit resnet activations checkpoints pretrained augment recipe \
               layers compiled receptive_field schedule initialisation train muon family gradients tensor_gradients attention_maps \
               rollout stopping saving attention_cuts class_token_swap,tests/test_$(name).py))

# What one test has compiled, another need not: a quarter less processor time.
JAX_CACHE := JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/jax JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
             JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

export TF_CPP_MIN_LOG_LEVEL = 3

# $(call part,name,command): say what begins, run it, keep how long it took.
define part
@printf '\n== %s\n' "$(1)"; began=$$(date +%s); $(2) && \
	printf '%6d s  %s\n' $$(( $$(date +%s) - began )) "$(1)" >> $(TIMES)
endef

.PHONY: lab test lint static unit unit-jax lessons-closed lessons-cifar10 lessons write checkpoints format badges clean
.NOTPARALLEL:

$(VENV)/.lab: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is not one. Try: PYTHON=python3.12 make lab"; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
	@echo "Installing the course into $(VENV); TensorFlow alone is 600 MB, so this takes some minutes."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.lab requirements-test.txt
	@$(PIP) -r requirements-test.txt
	@touch $@

lab: $(VENV)/.lab
	@echo "JupyterLab opens on $(FIRST). Ctrl-C, twice, ends it."; \
	case "$$(uname)" in Darwin) screen=1;; *) screen="$$DISPLAY$$WAYLAND_DISPLAY";; esac; \
	exec $(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --Application.log_level=WARN \
		--LabApp.default_url=/lab/tree/$(FIRST) \
		$$([ -n "$$screen" ] || echo --no-browser) $$([ "$$(id -u)" != 0 ] || echo --allow-root)

test: $(VENV)/.test
	@rm -f $(TIMES)
	@$(MAKE) --no-print-directory lint static unit unit-jax lessons-closed lessons-cifar10
	@printf '\n== How long each part took\n'; cat $(TIMES)

lint: $(VENV)/.test
	$(call part,Code: ruff and import-linter,\
	  $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports)

static: $(VENV)/.test
	$(call part,Lessons and tests: their shape,$(PYTEST) -q tests/test_notebooks.py tests/test_tests.py)

unit: $(VENV)/.test
	$(call part,Unit tests on TensorFlow,\
	  KERAS_BACKEND=tensorflow $(PYTEST) -q $(SHARE) --ignore=tests/test_notebooks.py --ignore=tests/test_tests.py tests)

unit-jax: $(VENV)/.test
	$(call part,Model and training on JAX,\
	  KERAS_BACKEND=jax $(JAX_CACHE) $(PYTEST) -q $(SHARE) $(JAX_TESTS))

lessons-closed: $(VENV)/.test
	$(call part,Lessons: no network and no CIFAR-10 (fast),COURSE_FAST=1 $(NBVAL) --world closed $(LESSONS))

lessons-cifar10: $(VENV)/.test
	$(call part,Lessons: CIFAR-10 (in full),\
	  if [ -f "$$COURSE_DATA/cifar10.npz" ]; then $(NBVAL) $(DIFFER); \
	  else echo "Skipped: COURSE_DATA names no folder with cifar10.npz."; fi)

lessons: $(VENV)/.lab
	@$(BIN)/python -m helpers.course.runner

write: $(VENV)/.lab
	@$(BIN)/python -m helpers.course.runner --write
	@$(BIN)/python -m helpers.course.claims

# Every shipped network, trained from nothing; SCALE=cpu where there is no GPU (narrower networks, many hours).
SCALE ?= gpu
checkpoints: $(VENV)/.lab
	@$(BIN)/python -m helpers.train family --members all --scale $(SCALE) --yes --ship

badges: $(VENV)/.lab
	@$(BIN)/python -m helpers.course.badges

format: $(VENV)/.test
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
