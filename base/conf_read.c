#include "base/conf_read.h"

#include "base/conf_scan.h"

#include <confuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A section knows the line of its end only. This hidden setting has a default, which libconfuse
 * reads, and hands to on_value, where a section begins. */
#define BEGIN " begin"

#define NAME_MAX_N 48 /* letters of a setting's name that are compared */

#define SEEN (1 << 24) /* in cfg_opt_t.flags; libconfuse 3.3 uses the lowest 14 bits */

/* Where a setting (or a section, name "") of one of our structs stands. */
struct conf_line {
    const void *owner;
    const char *name;
    int line;
    struct conf_line *next;
};

/* Of the reading that goes on. Callbacks of libconfuse carry no pointer of ours, hence the static
 * one. */
struct reading {
    struct conf_reader *reader;
    struct conf_result *result;
    const struct conf_scan_rest *rests;
    bool failed;
    int last_line; /* with anything in it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards libconfuse and `current` */
static struct reading *current;

/* Titles and tokens of a broken file may hold anything, and a fault is shown on a terminal. */
static const char *printable(char *text)
{
    bool utf8 = str_is_utf8(str_of(text));

    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || (!utf8 && (unsigned char)*p > 0x7f))
            *p = '?';
    return text;
}

void conf_mistake(struct conf_reader *r, struct conf_result *to, int line, const char *code,
    const char *where, const char *format, ...)
{
    char detail[320];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    struct conf_mistake *m = ARENA_NEW(r->arena, struct conf_mistake);
    m->line = line;
    m->code = code;
    m->detail = printable(arena_printf(r->arena, "%s%s%s", where, *where ? ": " : "", detail));
    if (to->last)
        to->last->next = m;
    else
        to->first = m;
    to->last = m;
}

static void remember_line(struct reading *g, const void *owner, const char *name, int line)
{
    struct conf_line *l = ARENA_NEW(g->reader->arena, struct conf_line);

    *l = (struct conf_line){owner, name, line, g->result->lines};
    g->result->lines = l;
}

bool conf_is_given(const struct conf_result *result, const void *owner, const char *name)
{
    for (const struct conf_line *l = result->lines; l; l = l->next)
        if (l->owner == owner && strcmp(l->name, name) == 0)
            return true;
    return false;
}

int conf_line(const struct conf_result *result, const void *owner, const char *name)
{
    int section = 1;

    for (const struct conf_line *l = result->lines; l; l = l->next) {
        if (l->owner == owner && strcmp(l->name, name) == 0)
            return l->line;
        if (l->owner == owner && !*l->name)
            section = l->line;
    }
    return section;
}

/* Names a setting as people would: storefront "acme" dkim "s1" key_file. */
static const char *section_name(struct reading *g, cfg_t *cfg, const char *outside)
{
    const char *title = cfg_title(cfg);
    const char *space = *outside ? " " : "";

    if (title)
        return arena_printf(
            g->reader->arena, "%s%s%s \"%s\"", outside, space, cfg_name(cfg), title);
    return arena_printf(g->reader->arena, "%s%s%s", outside, space, cfg_name(cfg));
}

static const char *example_title(const char *section)
{
    return strcmp(section, "dkim") == 0         ? "s1"
           : strcmp(section, "stream") == 0     ? "newsletter"
           : strcmp(section, "smart_host") == 0 ? "relay"
                                                : "acme";
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many letters are missing, superfluous, wrong or swapped with the next one. */
static int slips(const char *a, const char *b)
{
    int d[NAME_MAX_N + 1][NAME_MAX_N + 1];
    int a_n = (int)strlen(a), b_n = (int)strlen(b);

    if (a_n > NAME_MAX_N || b_n > NAME_MAX_N)
        return NAME_MAX_N;
    for (int i = 0; i <= a_n; i++)
        for (int j = 0; j <= b_n; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(
                least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a_n][b_n];
}

/* The setting of this section that a slip of the pen made into name: one slip in three letters, two in six. NULL: none. */
static const char *meant(const cfg_t *cfg, const char *name)
{
    const char *nearest = NULL;
    int fewest = least(2, (int)strlen(name) / 3);

    for (const cfg_opt_t *o = cfg->opts; o->name; o++) {
        int n = slips(name, o->name);
        if (strcmp(o->name, BEGIN) != 0 && n <= fewest) {
            nearest = o->name;
            fewest = n - 1; /* of equals the first */
        }
    }
    return nearest;
}

/* What may be meant by a word that names no setting. */
static const char *advice(struct reading *g, const cfg_t *cfg, const char *word)
{
    struct arena *a = g->reader->arena;
    const char *near = meant(cfg, word);

    if (near)
        return arena_printf(a, "; is %s meant?", near);
    for (const struct conf_scan_rest *r = g->rests; r; r = r->next)
        if (r->line == cfg->line && strcmp(r->word, word) == 0)
            return arena_printf(a,
                "; if it belongs to the value of %s, put both in quotes"
                " (a time or a size is one word: 90s, 10MiB)",
                r->name);
    return "";
}

/* Called with the first thing that libconfuse cannot read; it stops there. What was found before
 * goes too: it may follow from the same slip. Some of its formats are known to us, each with one
 * %s but the last. */
static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct str known = str_of(format);
    const char *code = "syntax", *more = "";
    struct reading *g = current;
    char text[256];
    int line = cfg->line;

    if (g->failed)
        return;
    g->failed = true;
    g->result->first = g->result->last = NULL;
    if (str_starts(known, STR("no such option"))) {
        code = "unknown-setting";
        va_list again;
        va_copy(again, args);
        more = advice(g, cfg, va_arg(again, const char *));
        va_end(again);
        format = "%s: there is no such setting here";
    } else if (str_starts(known, STR("found duplicate title"))) {
        code = "duplicate";
        format = "\"%s\": this title stands here a second time; keep one";
    } else if (str_starts(known, STR("missing title for section"))) {
        va_list again;
        va_copy(again, args);
        const char *section = va_arg(again, const char *);
        va_end(again);
        format = arena_printf(g->reader->arena,
            "%%s: it needs a name, such as %.40s \"%s\" { ... }", section, example_title(section));
    } else if (str_starts(known, STR("premature end of file"))) {
        line = g->last_line;
        format = "the file ends before what begins here is complete";
    }
    vsnprintf(text, sizeof text, format, args);
    conf_mistake(g->reader, g->result, line, code, "", "%s%s", text, more);
}

/* libconfuse replaces a value that stands twice without a word; a flag bit of ours tells. */
static bool is_second(cfg_opt_t *opt)
{
    bool second = opt->flags & SEEN;

    opt->flags |= SEEN;
    return second;
}

/* Called once per value. Keeps the line in front of the value, as libconfuse has no other place for
 * it. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *out)
{
    struct reading *g = current;
    bool is_first_of_list = opt->nvalues == 1; /* of a scalar, always */

    if (is_first_of_list && is_second(opt))
        conf_mistake(g->reader, g->result, cfg->line, "duplicate", opt->name,
            "stands here a second time; keep one");
    *(const char **)out = arena_printf(g->reader->arena, "%d:%s", cfg->line, value);
    return 0;
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
    struct reading *g = current;

    if (is_second(opt))
        conf_mistake(g->reader, g->result, cfg->line, "duplicate", opt->name,
            "this section ends here a second time; keep one");
    return 0;
}

static struct str split_line(const char *stored, int *line)
{
    char *colon;

    *line = (int)strtol(stored, &colon, 10);
    return str_of(colon + 1);
}

static bool is_list(const struct conf_option *o)
{
    return o->type == CONF_TEXTS || o->type == CONF_PATHS;
}

/* The table in libconfuse's form: every value a text, checked by us, so that one wrong value does
 * not end the reading. */
static cfg_opt_t *options_of(struct arena *a, const struct conf_section *s)
{
    cfg_opt_t *opts = arena_array(a, s->options_n + s->sections_n + 2, sizeof *opts);
    cfg_opt_t *next = opts;

    if (s->title)
        *next++ = (cfg_opt_t){.name = BEGIN,
            .type = CFGT_STR,
            .def.parsed = arena_text(a, STR("x")),
            .parsecb = on_value};
    for (size_t i = 0; i < s->options_n; i++)
        *next++ = (cfg_opt_t){.name = s->options[i].name,
            .type = CFGT_STR,
            .flags = CFGF_NODEFAULT | (is_list(&s->options[i]) ? CFGF_LIST : CFGF_NONE),
            .parsecb = on_value};
    for (size_t i = 0; i < s->sections_n; i++) {
        const struct conf_section *inner = &s->sections[i];
        *next++ = (cfg_opt_t){.name = inner->name,
            .type = CFGT_SEC,
            .flags = CFGF_NODEFAULT |
                     (inner->title ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE),
            .subopts = options_of(a, inner),
            .validcb = inner->title ? NULL : on_section_end};
    }
    next->type = CFGT_NONE;
    return opts;
}

static const char *setting_name(struct reading *g, const char *where, const struct conf_option *o)
{
    return arena_printf(g->reader->arena, "%s%s%s", where, *where ? " " : "", o->name);
}

static void wrong_value(
    struct reading *g, int line, const char *where, const struct conf_option *o, struct str value)
{
    struct conf_reader *r = g->reader;
    const char *name = setting_name(g, where, o);
    struct str shown = str_slice(value, 0, 60);

    if (str_has_control(shown) || !str_is_utf8(shown))
        conf_mistake(r, g->result, line, "bad-value", name, "%s", r->wrong);
    else
        conf_mistake(r, g->result, line, "bad-value", name, "%s, not \"" STR_FMT "%s\"", r->wrong,
            STR_ARG(shown), shown.n < value.n ? "..." : "");
}

static void fill_list(
    struct reading *g, const struct conf_option *o, cfg_opt_t *opt, const char *where, char *owner)
{
    size_t given = opt ? opt->nvalues : 0, n = 0;
    struct str fallback = str_of(o->fallback);
    const char **items = arena_array(g->reader->arena, given + 1, sizeof *items);

    for (size_t i = 0; i < given; i++) {
        int line;
        struct str text = split_line(opt->values[i]->string, &line);
        if (i == 0)
            remember_line(g, owner, o->name, line);
        if (conf_value_read_item(g->reader, o, text, &items[n]))
            n++;
        else
            wrong_value(g, line, where, o, text);
    }
    bool untouched = !opt || !(opt->flags & CFGF_MODIFIED);
    if (untouched && fallback.n > 0)
        conf_value_read_item(g->reader, o, fallback, &items[n++]);
    *(const char *const **)(owner + o->at) = items;
    *(size_t *)(owner + o->count_at) = n;
}

static void fill_one(
    struct reading *g, const struct conf_option *o, cfg_opt_t *opt, const char *where, char *owner)
{
    struct conf_reader *r = g->reader;
    int line;

    if (o->fallback)
        conf_value_read(r, o, str_of(o->fallback), owner + o->at);
    else
        *(const char **)(owner + o->at) = "";
    if (!opt || opt->nvalues == 0) {
        if (!o->fallback)
            conf_mistake(r, g->result, conf_line(g->result, owner, ""), "missing",
                setting_name(g, where, o), "must be given (%s)", o->help);
        return;
    }
    struct str text = split_line(opt->values[0]->string, &line);
    if (text.n > 0) /* "" is as good as absent */
        remember_line(g, owner, o->name, line);
    if (!conf_value_read(r, o, text, owner + o->at))
        wrong_value(g, line, where, o, text);
}

static void fill(
    struct reading *g, const struct conf_section *s, cfg_t *cfg, const char *where, char *owner);

static int begin_of(cfg_t *section)
{
    int line;

    split_line(cfg_getstr(section, BEGIN), &line);
    return line;
}

static void fill_titled(
    struct reading *g, const struct conf_section *s, cfg_opt_t *opt, const char *where, char *owner)
{
    size_t n = opt ? opt->nvalues : 0;
    char *all = arena_array(g->reader->arena, n + 1, s->size);

    for (size_t i = 0; i < n; i++) {
        cfg_t *inner = opt->values[i]->section;
        char *one = all + i * s->size;
        const char *name = section_name(g, inner, where);
        struct str title = str_of(cfg_title(inner));
        const char *wrong = s->check_title(title);
        int line = begin_of(inner);
        remember_line(g, one, "", line);
        if (wrong)
            conf_mistake(g->reader, g->result, line, "bad-value", name, "%s", wrong);
        *(const char **)(one + s->title_at) = arena_text(g->reader->arena, title);
        fill(g, s, inner, name, one);
    }
    *(void **)(owner + s->at) = all;
    *(size_t *)(owner + s->count_at) = n;
}

static void fill(
    struct reading *g, const struct conf_section *s, cfg_t *cfg, const char *where, char *owner)
{
    for (size_t i = 0; i < s->options_n; i++) {
        const struct conf_option *o = &s->options[i];
        cfg_opt_t *opt = cfg ? cfg_getopt(cfg, o->name) : NULL;
        if (is_list(o))
            fill_list(g, o, opt, where, owner);
        else
            fill_one(g, o, opt, where, owner);
    }
    for (size_t i = 0; i < s->sections_n; i++) {
        const struct conf_section *inner = &s->sections[i];
        cfg_opt_t *opt = cfg ? cfg_getopt(cfg, inner->name) : NULL;
        if (inner->title) {
            fill_titled(g, inner, opt, where, owner);
            continue;
        }
        cfg_t *only = opt && opt->nvalues > 0 ? opt->values[0]->section : NULL;
        fill(g, inner, only, only ? section_name(g, only, where) : where, owner + inner->at);
    }
}

static void free_cfg(cfg_t **cfg)
{
    if (*cfg)
        cfg_free(*cfg);
}

static void read_locked(struct reading *g, const char *text)
{
    AUTO(free_cfg) cfg_t *cfg = cfg_init(options_of(g->reader->arena, conf_root()), CFGF_NONE);

    if (!cfg)
        err_out_of_memory();
    cfg_set_error_function(cfg, on_error);
    if (cfg_parse_buf(cfg, text) != CFG_SUCCESS) {
        if (!g->failed)
            conf_mistake(g->reader, g->result, cfg->line, "syntax", "", "cannot be read");
        return;
    }
    g->result->is_readable = true;
    g->result->conf = ARENA_NEW(g->reader->arena, struct conf);
    fill(g, conf_root(), cfg, "", (char *)g->result->conf);
}

static const struct conf_option *find_scalar(const struct conf_section *s, const char *name)
{
    const struct conf_option *found = NULL;

    for (size_t i = 0; i < s->options_n && !found; i++)
        if (!is_list(&s->options[i]) && strcmp(s->options[i].name, name) == 0)
            found = &s->options[i];
    for (size_t i = 0; i < s->sections_n && !found; i++)
        found = find_scalar(&s->sections[i], name);
    return found;
}

static bool is_section(const struct conf_section *s, const char *name)
{
    for (size_t i = 0; i < s->sections_n; i++)
        if (strcmp(s->sections[i].name, name) == 0 || is_section(&s->sections[i], name))
            return true;
    return false;
}

/* libconfuse would call the brace an unexpected token, and a title an unknown setting. */
static void refuse_doubts(
    struct conf_reader *r, const struct conf_scan_doubt *doubts, struct conf_result *out)
{
    for (const struct conf_scan_doubt *d = doubts; d; d = d->next) {
        const struct conf_option *o = *d->word ? NULL : find_scalar(conf_root(), d->name);
        if (o)
            conf_mistake(r, out, d->line, "syntax", d->name, "takes one value (%s), not a list",
                conf_type_name(o));
        else if (is_section(conf_root(), d->word))
            conf_mistake(r, out, d->line, "syntax", d->name, CONF_NO_VALUE);
    }
}

static int last_line_of(struct str text)
{
    int line = 1, last = 1;

    for (size_t i = 0; i < text.n; i++) {
        line += text.p[i] == '\n';
        last = strchr(" \t\r\n", text.p[i]) ? last : line;
    }
    return last;
}

void conf_read(struct conf_reader *r, struct str text, struct conf_result *out)
{
    AUTO(buf_close) struct buf ready = {0};
    struct conf_scan_found found;
    struct reading g = {.reader = r, .result = out};

    *out = (struct conf_result){0};
    conf_scan(text, r->arena, &ready, &found);
    for (const struct conf_scan_fault *f = found.faults; f; f = f->next)
        conf_mistake(r, out, f->line, f->code, "", "%s", f->detail);
    if (!out->first)
        refuse_doubts(r, found.doubts, out);
    if (out->first)
        return;
    g.rests = found.rests;
    g.last_line = last_line_of(buf_str(&ready));
    buf_add_char(&ready, '\n'); /* never empty: fmemopen would refuse it */
    pthread_mutex_lock(&lock);
    current = &g;
    read_locked(&g, ready.p);
    current = NULL;
    pthread_mutex_unlock(&lock);
}
