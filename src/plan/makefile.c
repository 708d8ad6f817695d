/* Writes tests.mk, the plan as a makefile.
 *
 * Nothing of the manifest is pasted into it but ids and file names in comments, percent-encoded,
 * and such `needs` as GNU Make can hold safely (plan/makename.h); everything else is numbers.
 * Rules are of the form "target: prerequisites ; recipe", which no .RECIPEPREFIX of an including
 * makefile changes. Lists are cut into lines of LIST_WORDS: GNU Make appends each line's
 * prerequisites by walking over those before, so short lines would cost time that grows with
 * the square of the list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "plan/makename.h"
#include "plan/plan.h"

enum { LIST_WORDS = 2000 };

static const char INTRODUCTION[] =
    "# Made by rowlock: the tests of a project as targets. Changes will be lost.\n"
    "#\n"
    "# In the project's root:\n"
    "#     make -f .rowlock/tests.mk -j4         runs all tests, four at a time\n"
    "#     make -f .rowlock/tests.mk t17         runs one test: those below bear their ids\n"
    "# In a project's own makefile, as \"include .rowlock/tests.mk\", the target rowlock-all runs\n"
    "# all tests, and files that a test needs are made before it starts.\n"
    "\n";

/* Behind "rowlock_id := …". 2,000 goals are what is passed as words at most. */
static const char HEAD[] =
    "ifeq ($(filter-out 3.%,$(MAKE_VERSION)),)\n"
    "$(error tests.mk needs GNU Make 4.0 or later)\n"
    "endif\n"
    "ifeq ($(wildcard .rowlock/runs/$(rowlock_id)/plan),)\n"
    "$(error .rowlock/runs/$(rowlock_id)/plan is not there; run make in the project's root, or run "
    "'rowlock generate' first)\n"
    "endif\n"
    "\n"
    "# Read by itself, not included?\n"
    "rowlock_alone := $(filter 1,$(words $(filter-out $(MAKEFILES),$(MAKEFILE_LIST))))\n"
    "rowlock_goal := $(.DEFAULT_GOAL)\n"
    "rowlock_exec := .rowlock/rowlock-exec $(rowlock_id)\n"
    "\n"
    "# Tests and groups that the command line names: t17, g4. They run in no particular order.\n"
    "rowlock_digits = $(subst 0,,$(subst 1,,$(subst 2,,$(subst 3,,$(subst 4,,$1)))))\n"
    "rowlock_letters = $(subst 5,,$(subst 6,,$(subst 7,,$(subst 8,,$(subst 9,,$1)))))\n"
    "rowlock_named := $(filter $(foreach d,0 1 2 3 4 5 6 7 8 9,t$d% g$d%),$(MAKECMDGOALS))\n"
    "rowlock_named := $(sort $(foreach w,$(rowlock_named),$(if $(filter t g,\\\n"
    "  $(call rowlock_letters,$(call rowlock_digits,$w))),$w)))\n"
    "ifneq ($(filter rowlock-all rowlock-end rowlock-take $(if $(rowlock_alone),all),$(MAKECMDGOALS)),)\n"
    "rowlock_named :=\n"
    "endif\n"
    "rowlock_goals := $(rowlock_named)\n"
    "ifneq ($(word 2001,$(rowlock_named)),)\n"
    "rowlock_goals := .rowlock/runs/$(rowlock_id)/goals-$(shell echo $$PPID)\n"
    "$(file >$(rowlock_goals),$(rowlock_named))\n"
    "rowlock_goals := @$(rowlock_goals)\n"
    "endif\n"
    "# In a full run the verdict is rowlock-end's, and one group's failure must not keep others\n"
    "# from running; a named test's failure is make's.\n"
    "rowlock_ignore := $(if $(rowlock_named),,-)\n"
    "rowlock_others := $(filter-out all rowlock-all rowlock-end rowlock-take,$(MAKECMDGOALS))\n"
    "# The goal of a make that shares its jobs with no other: workers may hold on to theirs.\n"
    "rowlock_takes := $(filter rowlock-take,$(MAKECMDGOALS))\n"
    "# What the driver runs it begins and ends by itself.\n"
    "rowlock_driven := $(filter $(rowlock_id),$(ROWLOCK_RUN))\n"
    "unexport rowlock_id rowlock_alone rowlock_goal rowlock_exec rowlock_digits rowlock_letters\n"
    "unexport rowlock_named rowlock_goals rowlock_ignore rowlock_others rowlock_driven\n"
    "unexport rowlock_takes\n"
    "\n"
    "ifneq ($(rowlock_alone),)\n"
    "SHELL := /bin/sh\n"
    ".SHELLFLAGS := -c\n"
    "all: rowlock-all\n"
    ".PHONY: all\n"
    "endif\n"
    "rowlock-all rowlock-take: rowlock-end\n"
    "rowlock-begin: ; $(if $(rowlock_driven),,@$(rowlock_exec) begin $(rowlock_goals))\n"
    "rowlock-end: | rowlock-begin ; $(if $(rowlock_driven),,@$(rowlock_exec) end)\n"
    ".PHONY: rowlock-all rowlock-take rowlock-begin rowlock-end\n";

/* A rule's list of numbered targets, written as several rules of bounded length. */
struct list {
    FILE *f;
    const char *before; /* "rowlock-end: " */
    const char *after;  /* ": | rowlock-begin" */
    unsigned n;         /* words in the line so far */
};

static void list_end(struct list *l)
{
    if (l->n)
        fprintf(l->f, "%s\n", l->after);
    l->n = 0;
}

static void list_add(struct list *l, char letter, uint32_t i)
{
    fprintf(l->f, "%s%c%u", l->n ? " " : l->before, letter, i + 1);
    if (++l->n == LIST_WORDS)
        list_end(l);
}

/* before, all groups from first up to below, after. */
static void list_groups(FILE *f, const char *before, uint32_t first, uint32_t below,
                        const char *after)
{
    struct list l = {f, before, after, 0};
    for (uint32_t g = first; g < below; g++)
        list_add(&l, 'g', g);
    list_end(&l);
}

static void write_group(FILE *f, const struct plan *p, uint32_t g, struct buf *b)
{
    const struct plan_unit *u = &p->units[g];
    fputc('\n', f);
    for (uint32_t k = 0; k < u->n; k++) {
        buf_clear(b);
        makename_comment(b, p->manifest->tests[p->tests[u->tests[k]]].id);
        fprintf(f, "# t%u %s\n", u->tests[k] + 1, buf_cstr(b));
    }
    fprintf(f, "g%u: | rowlock-begin ; %s@$(rowlock_ignore)$(rowlock_exec) %u $(rowlock_goals)\n",
            g + 1, u->weight > 1 ? "+" : "", g + 1);
}

/* Tests as targets. A make that runs all of them, and reads nothing but this file, needs none: it
 * would keep them in memory for the whole run. */
static void write_tests(FILE *f, const struct plan *p)
{
    char group[16];
    fputs("\n# Which group runs which test, for goals and for a makefile that includes this one.\n"
          "ifneq ($(rowlock_others)$(if $(rowlock_alone),,1),)\n",
          f);
    for (uint32_t g = 0; g < p->n_units; g++) {
        const struct plan_unit *u = &p->units[g];
        snprintf(group, sizeof group, ": g%u", g + 1);
        struct list l = {f, "", group, 0};
        for (uint32_t k = 0; k < u->n; k++)
            list_add(&l, 't', u->tests[k]);
        list_end(&l);
    }
    struct list tests = {f, ".PHONY: ", "", 0};
    for (uint32_t i = 0; i < p->n_tests; i++)
        list_add(&tests, 't', i);
    list_end(&tests);
    fputs("endif\n", f);
}

static uint32_t count_slots(const struct plan *p)
{
    return p->settings.n_slots ? p->settings.n_slots : 1;
}

static uint32_t count_queues(const struct plan *p)
{
    return p->n_queued ? count_slots(p) : 0;
}

/* One recipe for each worker, and one more, should somebody kill one of them; none where they would
 * not be fewer than groups. */
static uint32_t count_takers(const struct plan *p)
{
    uint32_t n = count_slots(p) + 1;
    return p->n_free > n ? n : 0;
}

/* before, w1, w2, …, after. */
static void list_takers(FILE *f, const char *before, uint32_t n)
{
    struct list l = {f, before, "", 0};
    for (uint32_t i = 0; i < n; i++)
        list_add(&l, 'w', i);
    list_end(&l);
}

/* before and the groups of the first phase from first up to below, or who takes them. */
static void list_first_phase(FILE *f, const struct plan *p, const char *before, uint32_t first,
                             uint32_t below)
{
    uint32_t n = count_takers(p);
    if (n) {
        fputs("ifneq ($(rowlock_takes),)\n", f);
        list_takers(f, before, n);
        fputs("else\n", f);
    }
    list_groups(f, before, first, below, "");
    if (n)
        fputs("endif\n", f);
}

/* What takes the groups of the first phase one after another, where that is the goal: a start for
 * each of them costs more than they do in a run of small tests. */
static void write_takers(FILE *f, const struct plan *p)
{
    uint32_t n = count_takers(p);
    if (!n)
        return;
    fprintf(f, "\n# Workers take groups g1 to g%u one after another.\n", p->n_free);
    for (uint32_t i = 0; i < n; i++)
        fprintf(f, "w%u: | rowlock-begin ; @-$(rowlock_exec) take\n", i + 1);
    list_takers(f, ".PHONY: ", n);
}

/* What keeps the workers busy under worksteal: a recipe per worker. The groups in the queues keep
 * their own rules, for named goals. */
static void write_queues(FILE *f, const struct plan *p)
{
    uint32_t n = count_queues(p);
    if (!n)
        return;
    fprintf(f, "\n# Workers take groups g1 to g%u from their queues, and from each other's.\n",
            p->n_queued);
    for (uint32_t q = 0; q < n; q++)
        fprintf(f, "q%u: | rowlock-begin ; @-$(rowlock_exec) queue\n", q + 1);
    struct list l = {f, "rowlock-end: ", "", 0};
    for (uint32_t q = 0; q < n; q++)
        list_add(&l, 'q', q);
    list_end(&l);
    l.before = ".PHONY: ";
    for (uint32_t q = 0; q < n; q++)
        list_add(&l, 'q', q);
    list_end(&l);
}

/* The files that a group's tests need, each once. */
static void write_needs(FILE *f, const struct plan *p, uint32_t g, struct buf *b)
{
    const struct plan_unit *u = &p->units[g];
    struct map seen = MAP_INIT;
    for (uint32_t k = 0; k < u->n; k++) {
        for (char **path = p->manifest->tests[p->tests[u->tests[k]]].needs; path && *path; path++) {
            if (map_put(&seen, *path, 1) != MAP_NONE)
                continue;
            buf_clear(b);
            if (makename_prerequisite(b, *path)) {
                fprintf(f, "g%u: %s\n", g + 1, buf_cstr(b));
            } else {
                makename_comment(b, *path);
                fprintf(f, "# g%u needs what cannot be a prerequisite: %s\n", g + 1, buf_cstr(b));
            }
        }
    }
    map_release(&seen);
}

/* What only an including makefile wants. */
static void write_included(FILE *f, const struct plan *p, struct buf *b)
{
    fputs("\nifeq ($(rowlock_alone),)\n"
          ".DEFAULT_GOAL := $(rowlock_goal)\n"
          "# Make starts recipes without a shell only where the shell is the usual one.\n"
          "rowlock-begin rowlock-end: private SHELL := /bin/sh\n"
          "rowlock-begin rowlock-end: private .SHELLFLAGS := -c\n",
          f);
    list_groups(f, "", 0, p->n_units, ": private SHELL := /bin/sh");
    list_groups(f, "", 0, p->n_units, ": private .SHELLFLAGS := -c");
    for (uint32_t q = 0; q < count_queues(p); q++)
        fprintf(f, "q%u: private SHELL := /bin/sh\nq%u: private .SHELLFLAGS := -c\n", q + 1, q + 1);
    fputs("# Who reads tests.mk by itself wants to run tests, not to make the files they need.\n",
          f);
    for (uint32_t g = 0; g < p->n_units; g++)
        write_needs(f, p, g, b);
    fputs("endif\n", f);
}

/* The groups of a phase wait for all of the phase before; serial ones for each other, too. */
static void write_phase(FILE *f, const struct plan *p, uint32_t phase, uint32_t first,
                        uint32_t below)
{
    char text[48];
    if (phase > 0 && phase % 2 == 0) {
        snprintf(text, sizeof text, ": | rowlock-phase-%u", phase - 1);
        list_groups(f, "", first, below, text);
    } else if (phase > 0 && first < below) {
        fprintf(f, "g%u: | rowlock-phase-%u\n", first + 1, phase - 1);
        for (uint32_t g = first + 1; g < below; g++)
            fprintf(f, "g%u: | g%u\n", g + 1, g);
    }
    if (phase + 1 >= p->n_phases)
        return;
    snprintf(text, sizeof text, "rowlock-phase-%u: | ", phase);
    for (uint32_t q = 0; phase == 0 && q < count_queues(p); q++)
        fprintf(f, "%sq%u\n", text, q + 1);
    if (phase == 0)
        list_first_phase(f, p, text, p->n_queued, below);
    else
        list_groups(f, text, first, below, "");
    if (phase > 0)
        fprintf(f, "rowlock-phase-%u: | rowlock-phase-%u\n", phase, phase - 1);
    fprintf(f, ".PHONY: rowlock-phase-%u\n", phase);
}

static void write_order(FILE *f, const struct plan *p)
{
    fputs("\n# Which group waits for which, unless tests are named.\n"
          "ifeq ($(rowlock_named),)\n",
          f);
    for (uint32_t g = 0; g < p->n_units; g++) {
        const struct plan_unit *u = &p->units[g];
        if (u->n_after)
            fprintf(f, "g%u: |", g + 1);
        for (uint32_t k = 0; k < u->n_after; k++)
            fprintf(f, " g%u%s", u->after[k] + 1, k + 1 == u->n_after ? "\n" : "");
    }
    uint32_t first = 0;
    for (uint32_t phase = 0; phase < p->n_phases; phase++) {
        uint32_t below = first;
        while (below < p->n_units && p->units[below].phase == phase)
            below++;
        write_phase(f, p, phase, first, below);
        first = below;
    }
    fputs("endif\n", f);
}

bool plan_write_makefile(const struct plan *p, const char *path, struct error *err)
{
    struct outfile out;
    struct buf b = BUF_INIT;
    if (!outfile_open(&out, path, err))
        return false;
    fputs(INTRODUCTION, out.f);
    fprintf(out.f, "rowlock_id := %s\n", p->settings.run_id);
    fputs(HEAD, out.f);
    for (uint32_t g = 0; g < p->n_units; g++)
        write_group(out.f, p, g, &b);
    fputs("\n# Make starts groups in this order.\n", out.f);
    uint32_t second = p->n_free > p->n_queued ? p->n_free : p->n_queued;
    list_first_phase(out.f, p, "rowlock-end: ", p->n_queued, second);
    list_groups(out.f, "rowlock-end: ", second, p->n_units, "");
    write_takers(out.f, p);
    write_queues(out.f, p);
    list_groups(out.f, ".PHONY: ", 0, p->n_units, "");
    write_tests(out.f, p);
    write_order(out.f, p);
    write_included(out.f, p, &b);
    buf_release(&b);
    return outfile_commit(&out, err);
}
