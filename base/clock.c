#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define MS_PER_DAY INT64_C(86400000)
#define LOWEST_MS INT64_C(-62167219200000)  /* 0000-01-01T00:00:00Z */
#define HIGHEST_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static int64_t read_clock(clockid_t which, int64_t units_per_second)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * units_per_second +
           (int64_t)t.tv_nsec / (1000000000 / units_per_second);
}

static int64_t system_now_ms(void *state)
{
    (void)state;
    return read_clock(CLOCK_REALTIME, 1000);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {.now_ms = system_now_ms};

    return &system;
}

static int64_t fake_now_ms(void *state)
{
    return ((struct clock_fake *)state)->ms;
}

struct clock clock_of_fake(struct clock_fake *f)
{
    return (struct clock){.now_ms = fake_now_ms, .state = f};
}

int64_t clock_steady_ns(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000000);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. Years begin in March here, so that
 * the leap day comes last; an era is 400 years, 146,097 days. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void date_of_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2);
}

static void put_digits(char *out, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

/* Years beyond four digits are shown as the nearest that have four. */
void clock_rfc3339(int64_t ms, char out[CLOCK_RFC3339_SIZE])
{
    int64_t year, month, day;

    ms = ms < LOWEST_MS ? LOWEST_MS : ms > HIGHEST_MS ? HIGHEST_MS : ms;
    int64_t of_day = (ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY;
    date_of_days((ms - of_day) / MS_PER_DAY, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", CLOCK_RFC3339_SIZE);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, of_day / 3600000, 2);
    put_digits(out + 14, of_day / 60000 % 60, 2);
    put_digits(out + 17, of_day / 1000 % 60, 2);
    put_digits(out + 20, of_day % 1000, 3);
}

/* Takes exactly `width` digits off s. */
static bool take_number(struct str *s, size_t width, int64_t least, int64_t most, int64_t *out)
{
    if (s->n < width || !str_to_i64(str_slice(*s, 0, width), out) || s->p[0] == '-')
        return false;
    *s = str_slice(*s, width, s->n);
    return *out >= least && *out <= most;
}

static bool take_char(struct str *s, const char *one_of)
{
    if (s->n == 0 || s->p[0] == 0 || !strchr(one_of, s->p[0]))
        return false;
    *s = str_slice(*s, 1, s->n);
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct str *s, int64_t *ms)
{
    int64_t year, month, day;

    if (!take_number(s, 4, 0, 9999, &year) || !take_char(s, "-") ||
        !take_number(s, 2, 1, 12, &month) || !take_char(s, "-") ||
        !take_number(s, 2, 1, days_in_month(year, month), &day))
        return false;
    *ms = days_of_date(year, month, day) * MS_PER_DAY;
    return true;
}

/* A fraction finer than a millisecond is cut, not rounded: the time stays within its second. */
static bool take_fraction(struct str *s, int64_t *ms)
{
    int64_t scale = 100;
    size_t digits = 0;

    if (!take_char(s, "."))
        return true;
    for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; digits++, scale /= 10) {
        *ms += (s->p[0] - '0') * scale;
        *s = str_slice(*s, 1, s->n);
    }
    return digits > 0;
}

/* Second 60 is a leap second; it counts as the first of the next minute, as POSIX time has none. */
static bool take_time(struct str *s, int64_t *ms)
{
    int64_t hour, minute, second;

    if (!take_number(s, 2, 0, 23, &hour) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 59, &minute) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 60, &second))
        return false;
    *ms += hour * 3600000 + minute * 60000 + second * 1000;
    return take_fraction(s, ms);
}

static bool take_offset(struct str *s, int64_t *ms)
{
    int64_t hours, minutes;

    if (take_char(s, "Zz"))
        return true;
    bool west = s->n > 0 && s->p[0] == '-';
    if (!take_char(s, "+-") || !take_number(s, 2, 0, 23, &hours) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 59, &minutes))
        return false;
    int64_t offset = hours * 3600000 + minutes * 60000;
    *ms += west ? offset : -offset;
    return true;
}

bool clock_parse_rfc3339(struct str s, int64_t *out_ms)
{
    int64_t ms;

    if (!take_date(&s, &ms) || !take_char(&s, "Tt") || !take_time(&s, &ms) ||
        !take_offset(&s, &ms) || s.n > 0)
        return false;
    *out_ms = ms;
    return true;
}
