#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_BYTES 4096  /* PIPE_BUF: so long, a pipe takes a write whole */
#define VALUE_BYTES 1024 /* of one value; more is cut and marked */

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

/* The house's one mutable global: where lines go. The lock guards sink and sink_state. */
static atomic_int least_level = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*sink)(void *state, const char *line);
static void *sink_state;

/* On the stack, because the last line of a process may say that memory is gone. */
struct line {
    char p[LINE_BYTES];
    size_t n; /* below LINE_BYTES - 1, so that a newline and a NUL always fit */
};

static bool add(struct line *l, const char *p, size_t n)
{
    if (n > LINE_BYTES - 2 - l->n)
        return false;
    memcpy(l->p + l->n, p, n);
    l->n += n;
    return true;
}

static void add_text(struct line *l, const char *text)
{
    add(l, text, strlen(text));
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"\\=", s.p[i]))
            return false;
    return s.n > 0;
}

/* One character as it stands in quotes; returns its length in out. */
static size_t escape(char c, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char u = (unsigned char)c;

    out[0] = '\\';
    switch (c) {
    case '"':
    case '\\':
        out[1] = c;
        return 2;
    case '\n':
        out[1] = 'n';
        return 2;
    case '\r':
        out[1] = 'r';
        return 2;
    case '\t':
        out[1] = 't';
        return 2;
    }
    if (u < ' ' || u > '~') {
        out[1] = 'x';
        out[2] = hex[u >> 4];
        out[3] = hex[u & 15];
        return 4;
    }
    out[0] = c;
    return 1;
}

/* Keeps back what the closing quote and the mark of a cut value need. */
static void add_value(struct line *l, struct str s)
{
    bool cut = s.n > VALUE_BYTES;

    s = str_slice(s, 0, VALUE_BYTES);
    if (!cut && is_plain(s) && add(l, s.p, s.n))
        return;
    if (l->n + 8 > LINE_BYTES - 2)
        return;
    l->p[l->n++] = '"';
    for (size_t i = 0; i < s.n; i++) {
        char piece[4];
        size_t n = escape(s.p[i], piece);
        if (l->n + n + 4 > LINE_BYTES - 2) {
            cut = true;
            break;
        }
        add(l, piece, n);
    }
    add_text(l, cut ? "...\"" : "\"");
}

/* "jane.doe@example.com" -> "j***@example.com"; without an @ nothing is shown. */
static void add_address(struct line *l, struct str s)
{
    char shown[VALUE_BYTES];
    size_t at = s.n;

    while (at > 0 && s.p[at - 1] != '@')
        at--;
    if (at == 0) {
        add_text(l, "***");
        return;
    }
    struct str domain = str_slice(s, at, s.n);
    int first = at > 1 ? 1 : 0;
    int n = snprintf(shown, sizeof shown, "%.*s***@" STR_FMT, first, s.p, STR_ARG(domain));
    add_value(l, str_bytes(shown, (size_t)n < sizeof shown ? (size_t)n : sizeof shown - 1));
}

static void add_pair(struct line *l, const struct kv *pair)
{
    char digits[24];

    add_text(l, " ");
    add_text(l, pair->key);
    add_text(l, "=");
    switch (pair->kind) {
    case KV_IS_TEXT:
        add_value(l, pair->text);
        break;
    case KV_IS_NUMBER:
        snprintf(digits, sizeof digits, "%lld", (long long)pair->number);
        add_text(l, digits);
        break;
    case KV_IS_ADDRESS:
        add_address(l, pair->text);
        break;
    }
}

/* Returns false where no sink is set. */
static bool give_to_sink(const char *text)
{
    pthread_mutex_lock(&sink_lock);
    bool taken = sink != NULL;
    if (taken)
        sink(sink_state, text);
    pthread_mutex_unlock(&sink_lock);
    return taken;
}

void log_line(enum log_level level, const char *event, const struct kv *pairs, size_t n)
{
    char time[CLOCK_RFC3339_SIZE];
    struct line l = {.n = 0};

    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    clock_rfc3339(clock_now_ms(clock_system()), time);
    add_text(&l, time);
    add_text(&l, " ");
    add_text(&l, level_names[level]);
    add_text(&l, " ");
    add_text(&l, event);
    for (size_t i = 0; i < n; i++)
        add_pair(&l, &pairs[i]);
    l.p[l.n] = 0;
    if (give_to_sink(l.p))
        return;
    l.p[l.n++] = '\n';
    while (write(STDERR_FILENO, l.p, l.n) < 0 && errno == EINTR)
        ;
}

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (str_is(name, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_sink(void (*new_sink)(void *state, const char *line), void *state)
{
    pthread_mutex_lock(&sink_lock);
    sink = new_sink;
    sink_state = state;
    pthread_mutex_unlock(&sink_lock);
}
