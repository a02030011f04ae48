#include "templates/format.h"

#include <pthread.h>
#include <stdlib.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

#include "base/clock.h"

#define CURRENCIES_MAX 8
#define IDLE_MAX 8
#define TEXT_MAX 128 /* UTF-16 units of one formatted value */
#define DAYS_KEPT 32 /* formatted days: the mails of a day show the same few */
#define DAY_BYTES 62
#define DAY_MS INT64_C(86400000)

/* ICU's date formatters serve one thread at a time. The master is only ever cloned, under the lock; clones wait
 * in `idle` for the next caller. */
struct dates {
    UDateFormat *master;
    UDateFormat *idle[IDLE_MAX];
    size_t idle_n;
};

struct day {
    int64_t ms;
    uint8_t n; /* 0 = empty */
    char text[DAY_BYTES];
};

struct format {
    char *locale;
    UNumberFormatter *integer;
    UPluralRules *plurals;
    pthread_mutex_t lock; /* guards what follows; never held while formatting */
    struct money {
        char currency[4];
        UNumberFormatter *formatter;
    } money[CURRENCIES_MAX];
    size_t money_n;
    struct dates date, datetime;
    struct day days[DAYS_KEPT];
};

static bool library(struct err *e, UErrorCode status, const char *what)
{
    return err_set(e, ERR_LIBRARY, "ICU cannot %s: %s", what, u_errorName(status));
}

/* ---- opening --------------------------------------------------------------------------------- */

static UDateFormat *open_dates(const char *locale, UDateFormatStyle time, UErrorCode *status)
{
    static const UChar utc[] = u"UTC";
    return udat_open(time, UDAT_LONG, locale, utc, -1, NULL, 0, status);
}

/* ICU compiles a number formatter at its fourth use, whichever thread makes it. Done here, before the formatter is
 * shared, no thread waits for it, and the lock that hands the formatter over orders it before every use. */
static void settle(const UNumberFormatter *formatter, UErrorCode *status)
{
    UFormattedNumber *number = unumf_openResult(status);
    for (int use = 0; use < 4; use++)
        unumf_formatInt(formatter, 1, number, status);
    unumf_closeResult(number);
}

bool format_open(const char *locale, const char *texts, struct format **out, struct err *e)
{
    struct format *f = calloc(1, sizeof *f);
    if (!f || !(f->locale = strdup(locale)))
        err_out_of_memory();
    pthread_mutex_init(&f->lock, NULL);
    UErrorCode status = U_ZERO_ERROR;
    f->integer = unumf_openForSkeletonAndLocale(u"precision-integer", -1, locale, &status);
    settle(f->integer, &status);
    f->plurals = uplrules_open(texts, &status);
    f->date.master = open_dates(locale, UDAT_NONE, &status);
    f->datetime.master = open_dates(locale, UDAT_SHORT, &status);
    if (U_FAILURE(status)) {
        format_close(&f);
        return library(e, status, "open the locale");
    }
    *out = f;
    return true;
}

static void close_dates(struct dates *d)
{
    for (size_t i = 0; i < d->idle_n; i++)
        udat_close(d->idle[i]);
    udat_close(d->master);
}

void format_close(struct format **fp)
{
    struct format *f = *fp;
    *fp = NULL;
    if (!f)
        return;
    for (size_t i = 0; i < f->money_n; i++)
        unumf_close(f->money[i].formatter);
    close_dates(&f->date);
    close_dates(&f->datetime);
    uplrules_close(f->plurals);
    unumf_close(f->integer);
    pthread_mutex_destroy(&f->lock);
    free(f->locale);
    free(f);
}

/* ---- UTF-16 to UTF-8 ------------------------------------------------------------------------- */

/* The narrow no-break space becomes the ordinary one: fonts of mail programs often lack it. */
static bool add_utf16(UChar *text, int32_t n, struct buf *out, struct err *e)
{
    for (int32_t i = 0; i < n; i++)
        if (text[i] == 0x202f)
            text[i] = 0xa0;
    UErrorCode status = U_ZERO_ERROR;
    int32_t bytes = 0;
    char *room = buf_room(out, 3 * (size_t)n + 1);
    u_strToUTF8(room, 3 * n + 1, &bytes, text, n, &status);
    if (U_FAILURE(status))
        return library(e, status, "write UTF-8");
    out->n += (size_t)bytes;
    out->p[out->n] = 0;
    return true;
}

static bool add_number(UFormattedNumber *number, UErrorCode status, struct buf *out, struct err *e)
{
    UChar text[TEXT_MAX];
    int32_t n = unumf_resultToString(number, text, TEXT_MAX, &status);
    return U_SUCCESS(status) ? add_utf16(text, n, out, e) : library(e, status, "format a number");
}

static void close_number(UFormattedNumber **n)
{
    unumf_closeResult(*n);
}

/* ---- numbers --------------------------------------------------------------------------------- */

bool format_integer(const struct format *f, int64_t n, struct buf *out, struct err *e)
{
    UErrorCode status = U_ZERO_ERROR;
    AUTO(close_number) UFormattedNumber *number = unumf_openResult(&status);
    unumf_formatInt(f->integer, n, number, &status);
    return add_number(number, status, out, e);
}

bool format_plural(const struct format *f, int64_t n, char out[8], struct err *e)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar form[8];
    AUTO(close_number) UFormattedNumber *number = unumf_openResult(&status);
    unumf_formatInt(f->integer, n, number, &status);
    int32_t length = uplrules_selectFormatted(f->plurals, number, form, 7, &status);
    if (U_FAILURE(status))
        return library(e, status, "choose a plural form");
    u_UCharsToChars(form, out, length);
    out[length] = 0;
    return true;
}

static UNumberFormatter *open_money(
    const struct format *f, const char *currency, UErrorCode *status)
{
    UChar skeleton[] = u"currency/XXX";
    u_charsToUChars(currency, skeleton + 9, 3);
    return unumf_openForSkeletonAndLocale(skeleton, -1, f->locale, status);
}

/* The formatter of a currency: kept once opened (25 us), while there is room; `own` says that the caller closes. */
static UNumberFormatter *take_money(
    struct format *f, struct str currency, bool *own, UErrorCode *status)
{
    char code[4] = {currency.p[0], currency.p[1], currency.p[2], 0};
    UNumberFormatter *found = NULL;
    *own = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->money_n && !found; i++)
        if (strcmp(f->money[i].currency, code) == 0)
            found = f->money[i].formatter;
    if (!found) {
        found = open_money(f, code, status);
        *own = U_FAILURE(*status) || f->money_n == CURRENCIES_MAX;
        if (!*own) {
            settle(found, status);
            memcpy(f->money[f->money_n].currency, code, 4);
            f->money[f->money_n++].formatter = found;
        }
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

bool format_money(
    struct format *f, struct str amount, struct str currency, struct buf *out, struct err *e)
{
    if (!format_is_currency(currency) || !format_is_amount(amount, currency))
        return err_set(e, ERR_INPUT, "an amount is decimal text with an ISO 4217 currency");
    UErrorCode status = U_ZERO_ERROR;
    bool own;
    UNumberFormatter *formatter = take_money(f, currency, &own, &status);
    AUTO(close_number) UFormattedNumber *number = unumf_openResult(&status);
    unumf_formatDecimal(formatter, amount.p, (int32_t)amount.n, number, &status);
    bool ok = add_number(number, status, out, e);
    if (own)
        unumf_close(formatter);
    return ok;
}

/* ---- dates ----------------------------------------------------------------------------------- */

static UDateFormat *take_dates(struct format *f, struct dates *d, UErrorCode *status)
{
    pthread_mutex_lock(&f->lock);
    UDateFormat *formatter =
        d->idle_n > 0 ? d->idle[--d->idle_n] : (UDateFormat *)udat_clone(d->master, status);
    pthread_mutex_unlock(&f->lock);
    return formatter;
}

static void give_dates(struct format *f, struct dates *d, UDateFormat *formatter)
{
    pthread_mutex_lock(&f->lock);
    bool keep = d->idle_n < IDLE_MAX;
    if (keep)
        d->idle[d->idle_n++] = formatter;
    pthread_mutex_unlock(&f->lock);
    if (!keep)
        udat_close(formatter);
}

/* Formats the day and time of day that the text shows, as if they were UTC. */
static bool add_date(
    struct format *f, struct dates *d, struct str shown, struct buf *out, struct err *e)
{
    UChar text[TEXT_MAX];
    UErrorCode status = U_ZERO_ERROR;
    int64_t ms;
    if (!clock_parse_rfc3339(shown, &ms))
        return err_set(e, ERR_INPUT, "a date is 2026-11-21 or RFC 3339");
    UDateFormat *formatter = take_dates(f, d, &status);
    if (U_FAILURE(status))
        return library(e, status, "clone a date format");
    int32_t n = udat_format(formatter, (UDate)ms, text, TEXT_MAX, NULL, &status);
    give_dates(f, d, formatter);
    return U_SUCCESS(status) ? add_utf16(text, n, out, e) : library(e, status, "format a date");
}

static struct day *place_of(struct format *f, int64_t ms)
{
    return &f->days[(uint64_t)(ms / DAY_MS) % DAYS_KEPT];
}

static bool add_known_day(struct format *f, int64_t ms, struct buf *out)
{
    struct day *d = place_of(f, ms);
    pthread_mutex_lock(&f->lock);
    bool known = d->n > 0 && d->ms == ms;
    if (known)
        buf_add(out, str_bytes(d->text, d->n));
    pthread_mutex_unlock(&f->lock);
    return known;
}

static void keep_day(struct format *f, int64_t ms, struct str text)
{
    struct day *d = place_of(f, ms);
    if (text.n == 0 || text.n > DAY_BYTES)
        return;
    pthread_mutex_lock(&f->lock);
    d->ms = ms;
    d->n = (uint8_t)text.n;
    memcpy(d->text, text.p, text.n);
    pthread_mutex_unlock(&f->lock);
}

bool format_date(struct format *f, struct str date, struct buf *out, struct err *e)
{
    if (!format_is_date(date))
        return err_set(e, ERR_INPUT, "a date is 2026-11-21 or RFC 3339");
    char midnight[] = "2026-11-21T00:00:00Z";
    memcpy(midnight, date.p, 10);
    int64_t ms;
    bool is_day = clock_parse_rfc3339(str_of(midnight), &ms);
    size_t before = out->n;
    if (is_day && add_known_day(f, ms, out))
        return true;
    if (!add_date(f, &f->date, str_of(midnight), out, e))
        return false;
    if (is_day)
        keep_day(f, ms, str_slice(buf_str(out), before, out->n));
    return true;
}

/* " (UTC+2)" for "...+02:00". */
static void add_offset(struct str time, struct buf *out)
{
    struct str offset = str_slice(time, time.n - 6, time.n);
    char last = time.p[time.n - 1];
    if (last == 'Z' || last == 'z' || str_is(str_slice(offset, 1, 6), "00:00")) {
        buf_add_text(out, " (UTC)");
        return;
    }
    int hours = (offset.p[1] - '0') * 10 + offset.p[2] - '0';
    buf_addf(out, " (UTC%s%d", offset.p[0] == '-' ? "\xe2\x88\x92" : "+", hours);
    if (!str_is(str_slice(offset, 4, 6), "00"))
        buf_add(out, str_slice(offset, 3, 6));
    buf_add_char(out, ')');
}

bool format_datetime(struct format *f, struct str time, struct buf *out, struct err *e)
{
    if (!format_is_datetime(time))
        return err_set(e, ERR_INPUT, "a time is RFC 3339, as in 2026-11-21T08:30:00+01:00");
    char shown[] = "2026-11-21T00:00:00Z";
    memcpy(shown, time.p, 19);
    shown[10] = 'T';
    if (!add_date(f, &f->datetime, str_of(shown), out, e))
        return false;
    add_offset(time, out);
    return true;
}
