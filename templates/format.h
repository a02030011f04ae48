/* format -- numbers, amounts, dates and plural forms as a locale writes them (ICU's only user).
 * Units: amounts are decimal text ("12.50") and stay exact; dates are "2026-11-21" or RFC 3339
 * text, shown as they stand there: a date keeps its day whatever the offset, a time of day is shown
 * with its offset.
 * Ownership: format_close frees.
 * Errors: text that is no amount or date is ERR_INPUT, ICU's own ERR_LIBRARY.
 * Threads: one struct format may be used from any number of threads.
 * Source: ICU 72 (CLDR 42), ISO 4217, RFC 3339. */
#ifndef TEMPLATES_FORMAT_H
#define TEMPLATES_FORMAT_H

#include "base/buf.h"
#include "base/err.h"

struct format;

bool format_open(const char *locale, struct format **out, struct err *e); /* e.g. "de", "pt-BR" */
void format_close(struct format **f);

bool format_integer(const struct format *f, int64_t n, struct buf *out, struct err *e);
bool format_money(
    struct format *f, struct str amount, struct str currency, struct buf *out, struct err *e);
bool format_date(struct format *f, struct str date, struct buf *out, struct err *e);
bool format_datetime(struct format *f, struct str time, struct buf *out, struct err *e);

/* The plural form of n: "zero", "one", "two", "few", "many" or "other". */
bool format_plural(const struct format *f, int64_t n, char out[8], struct err *e);
/* The forms that the locale tells apart, separated by spaces; false where ICU does not know the locale. */
bool format_plural_forms(const char *locale, struct buf *out);

bool format_reads_right_to_left(const char *locale);
bool format_is_currency(struct str code); /* ISO 4217, now or ever, upper case */
int format_currency_digits(struct str code);
/* An optional minus, up to 15 digits, and decimals that the currency has (or zeros): "12.50". */
bool format_is_amount(struct str amount, struct str currency);
bool format_is_date(struct str date); /* a day that exists, alone or at the head of RFC 3339 */
bool format_is_datetime(struct str time);

#endif
