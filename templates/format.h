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

/* Numbers, amounts and dates as in `locale` ("en-GB"), plural forms as in `texts`, the locale of the catalog ("en"). */
bool format_open(const char *locale, const char *texts, struct format **out, struct err *e);
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

#define FORMAT_TAG_BYTES 64
bool format_is_tag(const char *tag); /* well-formed by BCP 47: "fr-CA", not "fr_CA" */
/* Language, script and region, the likely ones where the tag has none: "zh-TW" is "zh-Hant-TW". */
bool format_full_tag(const char *tag, char out[FORMAT_TAG_BYTES]);
/* Tells every locale of a language that ICU has forms for, e.g. "en-GB" with its full tag "en-Latn-GB". */
typedef void format_see_locale(void *context, const char *tag, const char *full);
void format_locales(const char *language, format_see_locale *see, void *context);

/* Columns of a character on a terminal: 0 where it stands on the one before it, 2 where it is wide (UAX 11). */
int format_columns(uint32_t code_point);

bool format_is_currency(struct str code); /* ISO 4217, now or ever, upper case */
int format_currency_digits(struct str code);
/* An optional minus, up to 15 digits, and up to 15 decimals behind a point: "12.50". */
bool format_is_decimal(struct str s);
/* A decimal without more decimals than the currency has, besides zeros. */
bool format_is_amount(struct str amount, struct str currency);
bool format_is_less(struct str a, struct str b); /* of two decimals, exactly */
bool format_is_date(struct str date); /* a day that exists, alone or at the head of RFC 3339 */
bool format_is_datetime(struct str time);

#endif
