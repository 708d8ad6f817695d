# Targets that run a project's tests through Rowlock; see rowlock.mk(7). In a Makefile:
#
#     include rowlock.mk
#
# ARGS are further words for rowlock: make test-parallel ARGS='-n 4 -v'. ROWLOCK_PREFIX stands before
# the names of all targets; the project's default goal stays what it is.

ROWLOCK ?= rowlock
ROWLOCK_PREFIX ?=
ARGS ?=
# The least percentage of coverage, and the command that lints, for quality-gate.
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

# The points of both TAP reports without their numbers, in order: a difference is another verdict.
$(ROWLOCK_PREFIX)test-compare: ## have all tests the same verdicts in parallel and in sequence?
	@mkdir -p $(rowlock_results)
	+@for how in sequential parallel; do \
		rm -f $(rowlock_results)/$$how.tap; \
		$(ROWLOCK) $$how --report-tap $(rowlock_results)/$$how.tap $(ARGS); \
		test -f $(rowlock_results)/$$how.tap || exit 1; \
		sed -n 's/^\(not ok\|ok\) [0-9]*/\1/p' $(rowlock_results)/$$how.tap | \
			sort >$(rowlock_results)/$$how.txt; \
	done; \
	diff $(rowlock_results)/sequential.txt $(rowlock_results)/parallel.txt && \
		echo 'sequential and parallel: the same verdicts'

# One after another, whatever -j says: both take all workers.
$(ROWLOCK_PREFIX)quality-gate: ## tests pass, enough is covered, parallel equals sequential, lint
	+@$(ROWLOCK) parallel --coverage --cov-fail-under $(ROWLOCK_COVERAGE) $(ARGS)
	+@$(MAKE) --no-print-directory $(ROWLOCK_PREFIX)test-compare
	$(if $(ROWLOCK_LINT),$(ROWLOCK_LINT))

.PHONY: $(addprefix $(ROWLOCK_PREFIX),help test test-cov test-unit test-integration test-parallel \
	test-parallel-cov test-unit-parallel test-integration-parallel test-performance \
	test-validate-parallel test-compare quality-gate)

.DEFAULT_GOAL := $(rowlock_goal)
