# make results   the quickstart study, to its last table and figure and the report
# make test      the test suite; make test-all adds the long ones
# make test-cluster   failures of all kinds on a real Slurm, with an account of them at the end
# PYTHON=/path/to/python picks the Python that .venv is made with, CORES=N how many cores to use.
SHELL := /bin/sh
CORES ?= all
CONFIG ?= config/config.yaml
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: results report test test-all test-cluster lint docs docs-site pins set-up clean

results: set-up
	snakemake --cores $(CORES) --configfile $(CONFIG)
	$(MAKE) report

report: set-up
	snakemake --cores 1 --configfile $(CONFIG) --report results/report.html

test: set-up
	python -m pytest -n 2 --dist worksteal

test-all: set-up
	python -m pytest -n 2 --dist worksteal -m "not cluster"
	$(MAKE) test-cluster

test-cluster: set-up
	python -m pytest -n 0 -m cluster tests

lint: set-up
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint

docs: set-up
	python -m bottomup.config_docs

# A folder to open or to serve; without an address of its own, so that it works from a disk.
docs-site: set-up
	mkdocs build --strict

pins:
	sh requirements/compile.sh

set-up:
	@sh requirements/set_up.sh

clean:
	rm -rf .venv .snakemake .pytest_cache .ruff_cache .hypothesis
	@echo "results/ and resources/ are kept; remove them by hand to start over"
