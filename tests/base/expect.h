/* expect -- the assertions of the base suites: each names the case that failed. */
#ifndef TESTS_BASE_EXPECT_H
#define TESTS_BASE_EXPECT_H

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One table, one test: a row that fails says its name. */
#define EACH(row, table)                                                                           \
    for (size_t row##_i = 0; row##_i < COUNT_OF(table); row##_i++)                                 \
        for (const __typeof__((table)[0]) *row = &(table)[row##_i]; row; row = NULL)

static inline void expect(const char *name, bool truth, const char *what)
{
    if (!truth)
        fail_msg("%s: expected %s", name, what);
}

static inline void expect_int(const char *name, int64_t got, int64_t want)
{
    if (got != want)
        fail_msg("%s: got %lld, want %lld", name, (long long)got, (long long)want);
}

static inline void expect_str(const char *name, struct str got, struct str want)
{
    if (!str_eq(got, want))
        fail_msg("%s: got '" STR_FMT "', want '" STR_FMT "'", name, STR_ARG(got), STR_ARG(want));
}

static inline void expect_text(const char *name, const char *got, const char *want)
{
    expect_str(name, str_of(got), str_of(want));
}

static inline void expect_in(const char *name, struct str whole, const char *part)
{
    if (str_find(whole, str_of(part), 0) == whole.n)
        fail_msg("%s: '%s' is not in '" STR_FMT "'", name, part, STR_ARG(whole));
}

#endif
