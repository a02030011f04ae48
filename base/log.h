/* log -- one line of key=value per fact, on stderr (systemd's journal keeps it).
 *
 *     log_info("delivered", KV("id", job->id), KV_INT("took_ms", took));
 *     -> 2026-11-21T08:09:10.123Z info delivered id=msg_01jd... took_ms=41
 *
 * An event is one word in kebab case ("service-ready"), so that a line can be searched for. Values
 * are quoted and escaped where they hold anything but printable ASCII without spaces: a hostile one
 * cannot forge a line. Mask addresses with KV_ADDR ("j***@example.com"); never log a secret.
 * Floors 0-2 log nothing above debug. Any thread; a line is written whole. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct kv {
    const char *key;
    struct str text;
    int64_t number;
    enum kv_kind { KV_IS_TEXT, KV_IS_NUMBER, KV_IS_ADDRESS } kind;
};

#define KV(k, cstring) ((struct kv){.key = (k), .text = str_of(cstring)})
#define KV_STR(k, s) ((struct kv){.key = (k), .text = (s)})
#define KV_INT(k, i) ((struct kv){.key = (k), .number = (int64_t)(i), .kind = KV_IS_NUMBER})
#define KV_ADDR(k, s) ((struct kv){.key = (k), .text = (s), .kind = KV_IS_ADDRESS})

#define log_debug(...) LOG_PAIRS(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_PAIRS(LOG_INFO, __VA_ARGS__)
#define log_warning(...) LOG_PAIRS(LOG_WARNING, __VA_ARGS__)
#define log_error(...) LOG_PAIRS(LOG_ERROR, __VA_ARGS__)
/* The trailing {0} is not counted; it lets a line have no pair at all. */
#define LOG_PAIRS(level, event, ...)                                                               \
    log_line((level), (event), (const struct kv[]){__VA_ARGS__ __VA_OPT__(, ){0}},                 \
        sizeof((const struct kv[]){__VA_ARGS__ __VA_OPT__(, ){0}}) / sizeof(struct kv) - 1)

void log_line(enum log_level level, const char *event, const struct kv *pairs, size_t n);
void log_set_level(enum log_level least); /* info at first; any time, any thread */
bool log_level_parse(struct str name, enum log_level *out);

/* Takes lines instead of stderr, for tests; NULL restores. The line has no newline. */
void log_set_sink(void (*sink)(void *state, const char *line), void *state);

#endif
