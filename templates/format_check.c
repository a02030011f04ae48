/* What is an amount, a currency, a date: the half of format.h that needs no locale. */
#include <stdatomic.h>
#include <unicode/ucurr.h>

#include "base/clock.h"
#include "templates/format.h"

#define AMOUNT_DIGITS_MAX 15

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void widen(struct str code, UChar out[4])
{
    for (size_t i = 0; i < 3; i++)
        out[i] = (UChar)code.p[i];
    out[3] = 0;
}

/* ICU searches its files for each answer, and it is always the same: remembered by the code, 0 = not asked yet. */
typedef atomic_uchar remembered[26 * 26 * 26];

static bool is_code(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 'A' || s.p[i] > 'Z')
            return false;
    return s.n == 3;
}

static size_t place_of(struct str code)
{
    size_t place = 0;
    for (size_t i = 0; i < 3; i++)
        place = place * 26 + (size_t)(code.p[i] - 'A');
    return place;
}

static bool ask_currency(struct str code)
{
    UChar wide[4];
    UErrorCode status = U_ZERO_ERROR;
    widen(code, wide);
    return ucurr_isAvailable(wide, U_DATE_MIN, U_DATE_MAX, &status) && U_SUCCESS(status);
}

bool format_is_currency(struct str code)
{
    enum { YES = 1, NO };
    static remembered answers;
    if (!is_code(code))
        return false;
    atomic_uchar *place = &answers[place_of(code)];
    unsigned char answer = atomic_load_explicit(place, memory_order_relaxed);
    if (answer == 0) {
        answer = ask_currency(code) ? YES : NO;
        atomic_store_explicit(place, answer, memory_order_relaxed);
    }
    return answer == YES;
}

static int ask_digits(struct str code)
{
    UChar wide[4];
    UErrorCode status = U_ZERO_ERROR;
    widen(code, wide);
    int digits = ucurr_getDefaultFractionDigits(wide, &status);
    return U_SUCCESS(status) ? digits : 2;
}

int format_currency_digits(struct str code)
{
    static remembered one_more;
    if (!is_code(code))
        return ask_digits(code);
    atomic_uchar *place = &one_more[place_of(code)];
    int digits = atomic_load_explicit(place, memory_order_relaxed);
    if (digits == 0) {
        digits = ask_digits(code) + 1;
        atomic_store_explicit(place, (unsigned char)digits, memory_order_relaxed);
    }
    return digits - 1;
}

static size_t digits_at(struct str s, size_t from)
{
    size_t n = 0;
    while (from + n < s.n && is_digit(s.p[from + n]))
        n++;
    return n;
}

bool format_is_decimal(struct str s)
{
    size_t at = s.n > 0 && s.p[0] == '-' ? 1 : 0;
    size_t whole = digits_at(s, at);
    at += whole;
    if (whole == 0 || whole > AMOUNT_DIGITS_MAX || at == s.n)
        return whole > 0 && whole <= AMOUNT_DIGITS_MAX;
    size_t decimals = digits_at(s, at + 1);
    return s.p[at] == '.' && decimals > 0 && decimals <= AMOUNT_DIGITS_MAX &&
           at + 1 + decimals == s.n;
}

bool format_is_amount(struct str amount, struct str currency)
{
    if (!format_is_decimal(amount))
        return false;
    size_t decimals = str_find_char(amount, '.', 0) + 1;
    for (size_t i = decimals + (size_t)format_currency_digits(currency); i < amount.n; i++)
        if (amount.p[i] != '0')
            return false; /* rounding would change what the customer gets */
    return true;
}

/* In units of 10^-15: 30 digits, which 128 bits hold. */
static __int128 exact(struct str decimal)
{
    bool negative = decimal.n > 0 && decimal.p[0] == '-';
    size_t point = str_find_char(decimal, '.', 0), end = point + 1 + AMOUNT_DIGITS_MAX;
    __int128 value = 0;
    for (size_t i = negative ? 1 : 0; i < end; i++)
        if (i != point)
            value = 10 * value + (i < decimal.n ? decimal.p[i] - '0' : 0);
    return negative ? -value : value;
}

bool format_is_less(struct str a, struct str b)
{
    return exact(a) < exact(b);
}

bool format_is_datetime(struct str time)
{
    int64_t ms;
    return clock_parse_rfc3339(time, &ms);
}

bool format_is_date(struct str date)
{
    if (date.n != 10)
        return format_is_datetime(date);
    char midnight[] = "2026-11-21T00:00:00Z";
    memcpy(midnight, date.p, 10);
    return format_is_datetime(str_of(midnight));
}
