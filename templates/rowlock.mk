# Targets that run a project's tests through Rowlock; see rowlock.mk(7). In a Makefile:
#
#     include rowlock.mk
#
# ARGS are further words for rowlock: make test-parallel ARGS='-n 4 -v'. ROWLOCK_PREFIX stands before
# the names of all targets; the project's default goal stays what it is.

ROWLOCK ?= rowlock
ROWLOCK_PREFIX ?=
ARGS ?=
# For quality-gate: the least percentage of coverage (empty or 0: it measures none), and the command
# that lints.
ROWLOCK_COVERAGE ?= 80
ROWLOCK_LINT ?=

rowlock_goal := $(.DEFAULT_GOAL)
rowlock_file := $(lastword $(MAKEFILE_LIST))
rowlock_results := .rowlock/compare

$(ROWLOCK_PREFIX)help: ## list these targets
	@awk -v p='$(ROWLOCK_PREFIX)' -F ':.*## ' '/^\$$\(ROWLOCK_PREFIX\).*## / \
		{ sub(/^\$$\(ROWLOCK_PREFIX\)/, p); printf "  %-28s %s\n", $$1, $$2 }' '$(rowlock_file)'

$(ROWLOCK_PREFIX)test: ## all tests, one after another
	+@$(ROWLOCK) sequential $(ARGS)

$(ROWLOCK_PREFIX)test-cov: ## the same with coverage: coverage-sequential.*
	+@$(ROWLOCK) coverage $(ARGS)

$(ROWLOCK_PREFIX)test-unit: ## the tests marked unit, one after another
	+@$(ROWLOCK) sequential -m unit $(ARGS)

$(ROWLOCK_PREFIX)test-integration: ## the tests marked integration, one after another
	+@$(ROWLOCK) sequential -m integration $(ARGS)

$(ROWLOCK_PREFIX)test-parallel: ## all tests in parallel
	+@$(ROWLOCK) parallel $(ARGS)

$(ROWLOCK_PREFIX)test-parallel-cov: ## the same with coverage: coverage-parallel.*, htmlcov/parallel
	+@$(ROWLOCK) parallel --coverage $(ARGS)

$(ROWLOCK_PREFIX)test-unit-parallel: ## the tests marked unit in parallel
	+@$(ROWLOCK) parallel -m unit $(ARGS)

$(ROWLOCK_PREFIX)test-integration-parallel: ## the tests marked integration in parallel
	+@$(ROWLOCK) parallel -m integration $(ARGS)

$(ROWLOCK_PREFIX)test-performance: ## the tests marked performance, with all durations
	+@$(ROWLOCK) performance $(ARGS)

$(ROWLOCK_PREFIX)test-validate-parallel: ## does all that parallel runs need work here?
	+@$(ROWLOCK) validate $(ARGS)

# Runs $(1), sequential or parallel, with the words $(2) and keeps its report. Failed tests (1) are for
# the comparison to tell.
rowlock_run = $(ROWLOCK) $(1) $(2) $(ARGS) --report-json $(call rowlock_report,$(1)) $(if $(strip $(2)),$(rowlock_json))
rowlock_report = $(rowlock_results)/$(1).json
# Where the coverage of that run is, and the words for it where ARGS choose the reports.
rowlock_chosen = $(filter --cov-report%,$(ARGS))
rowlock_covered = $(if $(rowlock_chosen),$(rowlock_results)/$(1)-coverage.json,coverage-$(1).json)
rowlock_json = $(if $(rowlock_chosen),--cov-report json:$(rowlock_covered))
rowlock_both = $(call $(1),sequential) $(call $(1),parallel)
rowlock_compare = $(ROWLOCK) report --compare $(call rowlock_both,rowlock_report)
rowlock_compare_cov = $(ROWLOCK) collect --compare --no-counts $(call rowlock_both,rowlock_covered)
# --coverage where ARGS ask for coverage in any way.
rowlock_measure = $(if $(filter --cov%,$(ARGS)),--coverage)
# The same for quality-gate, which asks for it itself where there is a least percentage.
rowlock_least = $(filter-out 0,$(ROWLOCK_COVERAGE))
rowlock_gate = $(if $(rowlock_least),--coverage,$(rowlock_measure))

$(ROWLOCK_PREFIX)test-compare: ## have all tests the same verdicts, and coverage, in parallel and in sequence?
	@mkdir -p $(rowlock_results)
	@rm -f $(call rowlock_both,rowlock_report) $(if $(rowlock_measure),$(call rowlock_both,rowlock_covered))
	+@$(call rowlock_run,sequential,$(rowlock_measure)) || test $$? = 1
	+@$(call rowlock_run,parallel,$(rowlock_measure)) || test $$? = 1
	+@$(rowlock_compare)
	$(if $(rowlock_measure),+@$(rowlock_compare_cov))

# One after another, whatever -j says: each takes all workers.
$(ROWLOCK_PREFIX)quality-gate: ## tests pass, enough is covered, parallel equals sequential, lint
	@mkdir -p $(rowlock_results)
	@rm -f $(call rowlock_both,rowlock_report) $(if $(rowlock_gate),$(call rowlock_both,rowlock_covered))
	+@$(call rowlock_run,parallel,$(rowlock_gate) $(addprefix --cov-fail-under ,$(rowlock_least)))
	+@$(call rowlock_run,sequential,$(rowlock_gate)) || test $$? = 1
	+@$(rowlock_compare)
	$(if $(rowlock_gate),+@$(rowlock_compare_cov))
	$(if $(ROWLOCK_LINT),$(ROWLOCK_LINT))

# The targets that run tests, for what is to be made before: $(rowlock_runs): all
rowlock_runs := $(addprefix $(ROWLOCK_PREFIX),test test-cov test-unit test-integration test-parallel \
	test-parallel-cov test-unit-parallel test-integration-parallel test-performance test-compare \
	quality-gate)
.PHONY: $(rowlock_runs) $(addprefix $(ROWLOCK_PREFIX),help test-validate-parallel)

.DEFAULT_GOAL := $(rowlock_goal)
