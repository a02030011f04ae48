#include "templates/layout.h"

#define DECIMALS_MAX 9

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- writing --------------------------------------------------------------------------------- */

static char *put(char *to, const struct layout_text *t)
{
    memcpy(to, t->p, t->n);
    return to + t->n;
}

static char *put_whole(const struct layout *l, struct str digits, char *to)
{
    uint32_t separated = l->separated[digits.n];
    for (size_t i = 0; i < digits.n; i++) {
        if (separated >> (digits.n - i) & 1)
            to = put(to, &l->separator);
        *to++ = digits.p[i];
    }
    return to;
}

void layout_write(const struct layout *l, struct str decimal, struct buf *out)
{
    bool negative = decimal.n > 0 && decimal.p[0] == '-';
    size_t point = str_find_char(decimal, '.', 0), first = negative ? 1 : 0;
    while (first + 1 < point && decimal.p[first] == '0')
        first++;
    struct str whole = str_slice(decimal, first, point);
    char *start = buf_room(out, (whole.n + 4) * sizeof(struct layout_text) + l->decimals);
    char *to = put_whole(l, whole, put(start, &l->before[negative]));
    if (l->decimals > 0)
        to = put(to, &l->point);
    for (size_t i = point + 1; i <= point + l->decimals; i++)
        *to++ = i < decimal.n ? decimal.p[i] : '0';
    to = put(to, &l->behind[negative]);
    *to = 0;
    out->n += (size_t)(to - start);
}

/* ---- learning -------------------------------------------------------------------------------- */

static struct str take_until_digit(struct str *text)
{
    size_t n = 0;
    while (n < text->n && !is_digit(text->p[n]))
        n++;
    struct str taken = str_slice(*text, 0, n);
    *text = str_slice(*text, n, text->n);
    return taken;
}

static bool keep(struct layout_text *t, struct str s)
{
    if (s.n > sizeof t->p)
        return false;
    t->n = (uint8_t)s.n;
    memcpy(t->p, s.p, s.n);
    return true;
}

/* What was made of the sample: its digits in their order, each perhaps behind something. */
static bool read_sample(struct layout *l, struct str sample, struct str text)
{
    bool negative = sample.p[0] == '-', fits;
    struct str digits = str_slice(sample, negative, sample.n);
    size_t whole = str_find_char(digits, '.', 0);
    fits = keep(&l->before[negative], take_until_digit(&text));
    for (size_t i = 0; i < digits.n && fits; i++) {
        if (i == whole)
            continue;
        struct str between = take_until_digit(&text);
        if (i == whole + 1)
            fits = keep(&l->point, between);
        else if (between.n > 0 && (fits = i < whole && keep(&l->separator, between)))
            l->separated[whole] |= (uint32_t)1 << (whole - i);
        fits = fits && text.n > 0 && text.p[0] == digits.p[i];
        text = str_slice(text, 1, text.n);
    }
    return fits && keep(&l->behind[negative], text);
}

struct teacher {
    struct layout *layout;
    layout_ask *ask;
    void *context;
    unsigned whole_max;
};

/* Takes what it needs of a decimal; else says whether the layout writes it as asked. */
static bool look_at(const struct teacher *t, bool takes, struct str decimal)
{
    AUTO(buf_close) struct buf asked = {0}, written = {0};
    if (!t->ask(t->context, decimal, &asked))
        return false;
    if (takes)
        return read_sample(t->layout, decimal, buf_str(&asked));
    layout_write(t->layout, decimal, &written);
    return str_eq(buf_str(&asked), buf_str(&written));
}

/* With each number of whole digits, with a minus and without. */
static bool look_at_all(const struct teacher *t, bool takes, const char *digits)
{
    static const char decimals[] = "123456789";
    for (size_t n = 1; n <= t->whole_max; n++)
        for (size_t without = 0; without < 2; without++) {
            char text[2 + LAYOUT_WHOLE_MAX + 1 + DECIMALS_MAX] = "-";
            size_t size = 1;
            memcpy(text + size, digits, n);
            size += n;
            if (t->layout->decimals > 0) {
                text[size++] = '.';
                memcpy(text + size, decimals, t->layout->decimals);
                size += t->layout->decimals;
            }
            if (!look_at(t, takes, str_bytes(text + without, size - without)))
                return false;
        }
    return true;
}

bool layout_learn(
    struct layout *out, unsigned decimals, unsigned whole_max, layout_ask *ask, void *context)
{
    const struct teacher t = {out, ask, context, whole_max};
    *out = (struct layout){.decimals = decimals};
    return decimals <= DECIMALS_MAX && whole_max <= LAYOUT_WHOLE_MAX &&
           look_at_all(&t, true, "1234567890123456789") &&
           look_at_all(&t, false, "8070605040302010907") && look_at(&t, false, STR("0"));
}
