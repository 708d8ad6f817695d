# Fuzzing of everything that reads untrusted bytes: tests/fuzz/fuzz_NAME.c is a target NAME, its
# seeds lie in tests/fuzz/seeds/NAME. Included by Makefile.in; works by itself, too:
#
#     make -f SRCDIR/tests/fuzz/fuzz.mk fuzz-smoke     seeds and some mutations, with gcc
#     make -f SRCDIR/tests/fuzz/fuzz.mk fuzz           libFuzzer, FUZZ_SECONDS for each target
#     make -f SRCDIR/tests/fuzz/fuzz.mk fuzz-coverage  half a minute for each reader of coverage
#
# With -j targets run side by side; with -k the others go on after one has found something.
# Variables: FUZZ_TARGETS='ini tap' chooses, FUZZ_RUNS counts mutations, FUZZ_SECONDS, FUZZ_FLAGS of
# libFuzzer. All that is built or found lands below obj/smoke and obj/fuzz of the current folder.

fuzz_mk := $(lastword $(MAKEFILE_LIST))
ifeq ($(origin srcdir),undefined)
srcdir := $(patsubst %/tests/fuzz/,%,$(patsubst tests/fuzz/,./tests/fuzz/,$(dir $(fuzz_mk))))
endif
ifeq ($(origin CORE_SRCS),undefined)
.DEFAULT_GOAL := fuzz-smoke
CLANG = clang
CJSON_LIBS = -lcjson
SQLITE_LIBS = -lsqlite3
EXPAT_CPPFLAGS = -DROWLOCK_EXPAT
EXPAT_LIBS = -lexpat
DEMANGLER_CPPFLAGS = -DROWLOCK_DEMANGLER
DEMANGLER_LIBS = -lsupc++
ifneq ($(V),1)
Q = @
say = @printf '  %-7s %s\n' $(1) $(2)
endif
endif

FUZZ_TARGETS := $(sort $(patsubst $(srcdir)/tests/fuzz/fuzz_%.c,%, \
	$(wildcard $(srcdir)/tests/fuzz/fuzz_*.c)))
# Shared: a new target takes its time from the others.
FUZZ_RUNS ?= $(shell echo $$((75000 / $(words $(wildcard $(srcdir)/tests/fuzz/fuzz_*.c)))))
FUZZ_SECONDS ?= 600
# What reads coverage of any kind, and what else is linked with nothing but src/base and src/coverage,
# so that not much has to be built.
FUZZ_READERS = cobertura covjson gcov gcovjson lcov pydata
FUZZ_COVERAGE = $(FUZZ_READERS) demangle exclude pyanswer

fuzz_cppflags = -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir)/tests/fuzz -DROWLOCK_VERSION='"fuzz"' \
	-DPKGDATADIR='"."' -DPKGLIBEXECDIR='"."' $(EXPAT_CPPFLAGS) $(DEMANGLER_CPPFLAGS) $(CPPFLAGS)
fuzz_cflags = -std=c11 -g -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_libs = $(CJSON_LIBS) $(SQLITE_LIBS) $(EXPAT_LIBS) $(DEMANGLER_LIBS) -pthread -lm
fuzz_find = $(patsubst $(srcdir)/%.c,%.o,$(foreach d,$(1),$(sort $(wildcard $(srcdir)/src/$(d)/*.c))))
fuzz_readers := $(call fuzz_find,base coverage)
fuzz_core := $(call fuzz_find,base config manifest plan history coverage run report fixtures) \
	$(patsubst %,src/command/%.o,automake fixture fixtureconfig fixtureenv makefilelook parallelini)
fuzz_own := $(patsubst $(srcdir)/%.c,%.o,$(wildcard $(srcdir)/tests/fuzz/*.c))
# A target is linked with what it takes of these.
fuzz_shared := $(filter-out tests/fuzz/fuzz_% tests/fuzz/standalone.o,$(fuzz_own))
fuzz_others := $(filter-out $(FUZZ_COVERAGE),$(FUZZ_TARGETS))

# A build with sanitizers has made what is needed.
ifneq ($(findstring -fsanitize=address,$(EXTRA_CFLAGS)),)
smoke_readers = librowlock-core.a
smoke_core = librowlock-core.a librowlock.a
else
smoke_readers = obj/smoke/readers.a
smoke_core = obj/smoke/core.a
endif

fuzz-smoke: $(FUZZ_TARGETS:%=fuzz-smoke-%) ## run each fuzz target on its seeds and mutations
fuzz-smoke-%: obj/smoke/fuzz_%
	@$< -n $(FUZZ_RUNS) -o obj/smoke $(srcdir)/tests/fuzz/seeds/$*

fuzz: $(FUZZ_TARGETS:%=fuzz-run-%) ## libFuzzer (clang)
# The same search each time, as far as time allows.
fuzz-coverage: FUZZ_SECONDS = 30
fuzz-coverage: FUZZ_FLAGS = -seed=1
fuzz-coverage: $(FUZZ_READERS:%=fuzz-run-%) ## half a minute of that for each reader of coverage

# The seeds that a target makes itself are written by its smoke program.
fuzz-run-%: obj/fuzz/fuzz_% obj/smoke/fuzz_%
	@cd obj/fuzz && mkdir -p corpus/$* made/$* && ../smoke/fuzz_$* -w made/$* || exit; \
	set -- corpus/$* made/$*; \
	seeds=$(abspath $(srcdir))/tests/fuzz/seeds/$*; \
	[ ! -d $$seeds ] || set -- "$$@" $$seeds; \
	if ./fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
		-print_final_stats=1 -artifact_prefix=$*- $(FUZZ_FLAGS) "$$@" >$*.log 2>&1; then \
		echo "ok $* $$(sed -n 's/^stat::number_of_executed_units: //p' $*.log)"; \
	else \
		grep -e ERROR -e 'does not hold' -e 'runtime error' $*.log; \
		echo "not ok $*: the input is saved in obj/fuzz/$*-*; see obj/fuzz/$*.log"; \
		exit 1; \
	fi

$(FUZZ_COVERAGE:%=obj/smoke/fuzz_%): $(smoke_readers)
$(FUZZ_COVERAGE:%=obj/fuzz/fuzz_%): obj/fuzz/readers.a
$(fuzz_others:%=obj/smoke/fuzz_%): $(smoke_core)
$(fuzz_others:%=obj/fuzz/fuzz_%): obj/fuzz/core.a

obj/smoke/fuzz_%: obj/smoke/tests/fuzz/fuzz_%.o obj/smoke/tests/fuzz/standalone.o obj/smoke/shared.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(fuzz_cflags) $(LDFLAGS) -o $@ $^ $(fuzz_libs) $(LIBS)

obj/fuzz/fuzz_%: obj/fuzz/tests/fuzz/fuzz_%.o obj/fuzz/shared.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(fuzz_cflags) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(fuzz_libs) $(LIBS)

obj/smoke/shared.a: $(fuzz_shared:%=obj/smoke/%)
obj/fuzz/shared.a: $(fuzz_shared:%=obj/fuzz/%)
obj/smoke/readers.a: $(fuzz_readers:%=obj/smoke/%)
obj/fuzz/readers.a: $(fuzz_readers:%=obj/fuzz/%)
obj/smoke/core.a: $(fuzz_core:%=obj/smoke/%)
obj/fuzz/core.a: $(fuzz_core:%=obj/fuzz/%)
$(foreach d,smoke fuzz,$(foreach a,shared readers core,obj/$(d)/$(a).a)):
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

obj/smoke/%.o: $(srcdir)/%.c
	$(call say,CC,$*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(fuzz_cppflags) $(WARN_CFLAGS) $(fuzz_cflags) -MMD -MP -c -o $@ $<

obj/fuzz/%.o: $(srcdir)/%.c | fuzz-clang
	$(call say,CLANG,$*.c)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz_cppflags) $(fuzz_cflags) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

fuzz-clang:
	@command -v $(CLANG) >/dev/null || { echo 'clang is missing; install it with its' \
		'libFuzzer (Debian: apt-get install clang libclang-rt-14-dev)' >&2; exit 1; }

.PHONY: fuzz-smoke fuzz fuzz-clang
.SECONDARY: $(foreach d,smoke fuzz,$(patsubst %,obj/$(d)/%,$(fuzz_core) $(fuzz_own)))

-include $(foreach d,smoke fuzz,$(patsubst %.o,obj/$(d)/%.d,$(fuzz_core) $(fuzz_own)))
