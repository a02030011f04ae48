#include "templates/format.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

#include "base/clock.h"
#include "templates/format_inside.h"
#include "templates/layout.h"

#define CURRENCIES_MAX 8
#define IDLE_MAX 8
#define AMOUNT_DIGITS 15 /* before the point, as format_is_decimal allows */
#define TEXT_MAX 128     /* UTF-16 units of one formatted value */
#define DAYS_KEPT 32     /* formatted days: the mails of a day show the same few */
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
    struct layout integers;
    bool knows_integers; /* else ICU is asked for each */
    UPluralRules *plurals;
    struct money {
        char currency[4];
        UNumberFormatter *formatter;
        struct layout layout;
        bool is_known;       /* the layout; else ICU is asked for each */
    } money[CURRENCIES_MAX]; /* only ever added, under the lock; read without */
    atomic_size_t money_n;
    pthread_mutex_t lock; /* guards what follows; held to learn a currency, not to format */
    struct dates date, datetime;
    struct day days[DAYS_KEPT];
};

static bool library(struct err *e, UErrorCode status, const char *what)
{
    return err_set(e, ERR_LIBRARY, "ICU cannot %s: %s", what, u_errorName(status));
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

/* ---- asking ICU ------------------------------------------------------------------------------ */

bool format_ask_integer(const struct format *f, int64_t n, struct buf *out, struct err *e)
{
    UErrorCode status = U_ZERO_ERROR;
    AUTO(close_number) UFormattedNumber *number = unumf_openResult(&status);
    unumf_formatInt(f->integer, n, number, &status);
    return add_number(number, status, out, e);
}

static bool ask_amount(
    const UNumberFormatter *formatter, struct str amount, struct buf *out, struct err *e)
{
    UErrorCode status = U_ZERO_ERROR;
    AUTO(close_number) UFormattedNumber *number = unumf_openResult(&status);
    unumf_formatDecimal(formatter, amount.p, (int32_t)amount.n, number, &status);
    return add_number(number, status, out, e);
}

static UNumberFormatter *open_money(const struct format *f, struct str currency, UErrorCode *status)
{
    UChar skeleton[] = u"currency/XXX";
    u_charsToUChars(currency.p, skeleton + 9, 3);
    return unumf_openForSkeletonAndLocale(skeleton, -1, f->locale, status);
}

bool format_ask_money(
    const struct format *f, struct str amount, struct str currency, struct buf *out, struct err *e)
{
    UErrorCode status = U_ZERO_ERROR;
    UNumberFormatter *formatter = open_money(f, currency, &status);
    bool ok = U_SUCCESS(status) ? ask_amount(formatter, amount, out, e)
                                : library(e, status, "open a currency");
    unumf_close(formatter);
    return ok;
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

static bool teach_integer(void *context, struct str decimal, struct buf *out)
{
    struct err e;
    int64_t n;
    return str_to_i64(decimal, &n) && format_ask_integer(context, n, out, &e);
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
    f->knows_integers =
        U_SUCCESS(status) && layout_learn(&f->integers, 0, LAYOUT_WHOLE_MAX, teach_integer, f);
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
    for (size_t i = 0; i < atomic_load(&f->money_n); i++)
        unumf_close(f->money[i].formatter);
    close_dates(&f->date);
    close_dates(&f->datetime);
    uplrules_close(f->plurals);
    unumf_close(f->integer);
    pthread_mutex_destroy(&f->lock);
    free(f->locale);
    free(f);
}

/* ---- numbers --------------------------------------------------------------------------------- */

bool format_integer(const struct format *f, int64_t n, struct buf *out, struct err *e)
{
    if (!f->knows_integers)
        return format_ask_integer(f, n, out, e);
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        digits[--at] = '-';
    layout_write(&f->integers, str_bytes(digits + at, sizeof digits - at), out);
    return true;
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

static bool teach_amount(void *context, struct str amount, struct buf *out)
{
    struct err e;
    return ask_amount(context, amount, out, &e);
}

static const struct money *find_money(const struct format *f, struct str currency)
{
    size_t n = atomic_load_explicit(&f->money_n, memory_order_acquire);
    for (size_t i = 0; i < n; i++)
        if (memcmp(f->money[i].currency, currency.p, 3) == 0)
            return &f->money[i];
    return NULL;
}

/* What opening a formatter (25 us) and learning (60 us) bring is kept; NULL where it cannot be, or there is no more room. */
static const struct money *add_money(struct format *f, struct str currency)
{
    UErrorCode status = U_ZERO_ERROR;
    size_t n = atomic_load_explicit(&f->money_n, memory_order_relaxed);
    if (n == CURRENCIES_MAX)
        return NULL;
    struct money *m = &f->money[n];
    m->formatter = open_money(f, currency, &status);
    settle(m->formatter, &status);
    if (U_FAILURE(status)) {
        unumf_close(m->formatter);
        return NULL;
    }
    memcpy(m->currency, currency.p, 3);
    unsigned decimals = (unsigned)format_currency_digits(currency);
    m->is_known = layout_learn(&m->layout, decimals, AMOUNT_DIGITS, teach_amount, m->formatter);
    atomic_store_explicit(&f->money_n, n + 1, memory_order_release);
    return m;
}

static const struct money *take_money(struct format *f, struct str currency)
{
    const struct money *m = find_money(f, currency);
    if (m || atomic_load_explicit(&f->money_n, memory_order_relaxed) == CURRENCIES_MAX)
        return m;
    pthread_mutex_lock(&f->lock);
    m = find_money(f, currency);
    if (!m)
        m = add_money(f, currency);
    pthread_mutex_unlock(&f->lock);
    return m;
}

bool format_money(
    struct format *f, struct str amount, struct str currency, struct buf *out, struct err *e)
{
    if (!format_is_currency(currency) || !format_is_amount(amount, currency))
        return err_set(e, ERR_INPUT, "an amount is decimal text with an ISO 4217 currency");
    const struct money *m = take_money(f, currency);
    if (!m)
        return format_ask_money(f, amount, currency, out, e);
    if (!m->is_known)
        return ask_amount(m->formatter, amount, out, e);
    layout_write(&m->layout, amount, out);
    return true;
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
