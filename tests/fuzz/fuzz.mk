# Fuzzing of everything that reads untrusted bytes: tests/fuzz/fuzz_NAME.c is a target NAME, its
# seeds lie in tests/fuzz/seeds/NAME. Included by Makefile.in; works by itself, too:
#
#     make -f SRCDIR/tests/fuzz/fuzz.mk fuzz-smoke     seeds and some mutations, with gcc
#     make -f SRCDIR/tests/fuzz/fuzz.mk fuzz           libFuzzer, FUZZ_SECONDS for each target
#
# Variables: FUZZ_TARGETS='ini tap' chooses, FUZZ_RUNS counts mutations, FUZZ_SECONDS. All that is
# built or found lands below obj/smoke and obj/fuzz of the current folder.

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

fuzz_cppflags = -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir)/tests/fuzz -DROWLOCK_VERSION='"fuzz"' \
	-DPKGDATADIR='"."' -DPKGLIBEXECDIR='"."' $(EXPAT_CPPFLAGS) $(DEMANGLER_CPPFLAGS) $(CPPFLAGS)
fuzz_cflags = -std=c11 -g -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_libs = $(CJSON_LIBS) $(SQLITE_LIBS) $(EXPAT_LIBS) $(DEMANGLER_LIBS) -pthread -lm
fuzz_srcs := $(foreach d,base config manifest plan history coverage run report, \
	$(sort $(wildcard $(srcdir)/src/$(d)/*.c))) \
	$(srcdir)/src/command/automake.c $(srcdir)/src/command/parallelini.c
fuzz_core := $(fuzz_srcs:$(srcdir)/%.c=%.o)
fuzz_own := $(patsubst $(srcdir)/%.c,%.o,$(wildcard $(srcdir)/tests/fuzz/*.c))
# What every target is linked with.
fuzz_shared := $(filter-out tests/fuzz/fuzz_% tests/fuzz/standalone.o,$(fuzz_own))

fuzz-smoke: $(FUZZ_TARGETS:%=obj/smoke/fuzz_%) ## run each fuzz target on its seeds and mutations
	@status=0; for t in $(FUZZ_TARGETS); do \
		obj/smoke/fuzz_$$t -n $(FUZZ_RUNS) -o obj/smoke $(srcdir)/tests/fuzz/seeds/$$t || status=1; \
	done; exit $$status

# The seeds that a target makes itself are written by its smoke program.
fuzz: $(FUZZ_TARGETS:%=obj/fuzz/fuzz_%) $(FUZZ_TARGETS:%=obj/smoke/fuzz_%) ## libFuzzer (clang)
	@cd obj/fuzz && status=0 && for t in $(FUZZ_TARGETS); do \
		mkdir -p corpus/$$t made/$$t && ../smoke/fuzz_$$t -w made/$$t || exit; \
		set -- corpus/$$t made/$$t; \
		seeds=$(abspath $(srcdir))/tests/fuzz/seeds/$$t; \
		[ ! -d $$seeds ] || set -- "$$@" $$seeds; \
		if ./fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 \
			-max_len=16384 -print_final_stats=1 -artifact_prefix=$$t- "$$@" >$$t.log 2>&1; then \
			echo "ok $$t $$(sed -n 's/^stat::number_of_executed_units: //p' $$t.log)"; \
		else \
			grep -e ERROR -e 'does not hold' -e 'runtime error' $$t.log; \
			echo "not ok $$t: the input is saved in obj/fuzz/$$t-*; see obj/fuzz/$$t.log"; \
			status=1; \
		fi; \
	done; exit $$status

obj/smoke/fuzz_%: obj/smoke/tests/fuzz/fuzz_%.o obj/smoke/tests/fuzz/standalone.o \
		$(fuzz_shared:%=obj/smoke/%) obj/smoke/core.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(fuzz_cflags) $(LDFLAGS) -o $@ $^ $(fuzz_libs) $(LIBS)

obj/fuzz/fuzz_%: obj/fuzz/tests/fuzz/fuzz_%.o $(fuzz_shared:%=obj/fuzz/%) obj/fuzz/core.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(fuzz_cflags) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(fuzz_libs) $(LIBS)

obj/smoke/core.a: $(fuzz_core:%=obj/smoke/%)
obj/fuzz/core.a: $(fuzz_core:%=obj/fuzz/%)
obj/smoke/core.a obj/fuzz/core.a:
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
