#include "tests/queue/post.h"
#include "tests/support/scratch.h"

#include "queue/sqlite.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct backend backend_sqlite = {"sqlite", queue_open};

void fine(bool answer, const struct err *e, const char *what)
{
    if (!answer)
        fail_msg("%s: %s: %s", what, err_name(e->code), e->text);
}

void refused(bool answer, const struct err *e, enum err_code code)
{
    if (answer)
        fail_msg("done, but %s was expected", err_name(code));
    if (e->code != code)
        fail_msg("%s expected, not %s: %s", err_name(code), err_name(e->code), e->text);
}

const char *post_file(struct post *p, const char *name)
{
    return arena_printf(p->a, "%s/%s", p->data, name);
}

struct queue *post_start(struct post *p, enum queue_role role, const char *node)
{
    struct queue_setup setup = {.dir = p->data,
        .node = node,
        .role = role,
        .keys = p->keys,
        .clock = &p->clock,
        .lanes = p->lanes,
        .steady = p->looks_for_jumps ? &p->steady : NULL};
    struct queue *q = NULL;

    fine(p->backend->open(&setup, &q, &p->e), &p->e, "queue_open");
    return q;
}

void post_change(struct post *p, const char *file, const char *sql)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, file), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db, sql, &p->e));
    sqlite_close(&db);
}

struct post *post_open(const struct backend *b)
{
    struct post *p = calloc(1, sizeof *p);
    char path[128];

    p->backend = b;
    scratch_folder("queue", p->dir);
    snprintf(p->data, sizeof p->data, "%s/data", p->dir);
    snprintf(path, sizeof path, "%s/keyring", p->dir);
    p->time.ms = T0;
    p->clock = clock_of_fake(&p->time);
    p->steady = clock_of_fake(&p->steady_time);
    p->a = arena_open();
    p->ids = ids_open(&p->clock);
    p->lanes = 4;
    FINE(keyring_create(path, &p->e));
    FINE(keyring_open(path, &p->keys, &p->e));
    p->q = post_start(p, QUEUE_SERVE, "one");
    return p;
}

void post_reopen(struct post *p)
{
    queue_close(&p->q);
    p->q = post_start(p, QUEUE_SERVE, "one");
}

void post_add_key(struct post *p, const char *line)
{
    char path[128];
    FILE *f;

    queue_close(&p->q);
    keyring_close(&p->keys);
    snprintf(path, sizeof path, "%s/keyring", p->dir);
    f = fopen(path, "a");
    assert_non_null(f);
    fprintf(f, "%s\n", line);
    fclose(f);
    FINE(keyring_open(path, &p->keys, &p->e));
    p->q = post_start(p, QUEUE_SERVE, "one");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void post_close(struct post **p)
{
    if (!*p)
        return;
    queue_close(&(*p)->q);
    keyring_close(&(*p)->keys);
    ids_close(&(*p)->ids);
    arena_close(&(*p)->a);
    nftw((*p)->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*p);
    *p = NULL;
}

struct submission a_mail(struct post *p, const char *address)
{
    struct str whole = str_of(address);
    size_t at = str_find_char(whole, '@', 0);
    struct id *id = ARENA_NEW(p->a, struct id);
    int64_t now_ms = p->time.ms;

    ids_new(p->ids, "msg_", id);
    return (struct submission){
        .storefront = SHOP,
        .id = id->s,
        .address = whole,
        .stream = "transactional",
        .template_name = "shipping_notice",
        .locale = "de",
        .destination = arena_text(p->a, str_slice(whole, at + 1, whole.n)),
        .priority = 5,
        .date_ms = now_ms,
        .due_ms = now_ms,
        .expires_ms = now_ms + 24 * HOUR,
        .private_json = STR("{\"name\":\"Ada\"}"),
        .order = {.order = STR(""), .parcel = STR(""), .event = "", .supersedes = ""},
        .state = MSG_QUEUED,
        .reason = "",
        .facts = STR("{\"asked_by\":\"key_1\"}"),
    };
}

struct receipt post_submit(struct post *p, const struct submission *s)
{
    struct receipt r;

    FINE(queue_submit(p->q, s, &r, &p->e));
    return r;
}

const char *post_mail(struct post *p, const char *address)
{
    struct submission s = a_mail(p, address);

    assert_int_equal(post_submit(p, &s).result, SUBMIT_NEW);
    return s.id;
}

struct job *claim_at(struct post *p, const char *destination, size_t max, size_t expected)
{
    struct job *jobs;
    size_t n;

    FINE(queue_claim(p->q, SHOP, destination, max, HOUR, p->a, &jobs, &n, &p->e));
    assert_int_equal(n, expected);
    return jobs;
}

struct job *claim_one(struct post *p)
{
    return claim_at(p, "example.com", 1, 1);
}

void settle_as(struct post *p, const struct job *j, enum msg_state to, const char *reason)
{
    struct settlement s = {
        .job = j, .to = to, .reason = reason, .due_ms = p->time.ms + HOUR, .counts = true};

    FINE(queue_settle(p->q, &s, &p->e));
}

struct message_view show(struct post *p, const char *id)
{
    struct message_view v;

    FINE(queue_show(p->q, SHOP, id, p->a, &v, &p->e));
    return v;
}

void expect_state(struct post *p, const char *id, enum msg_state state, const char *reason)
{
    struct message_view v = show(p, id);

    assert_string_equal(msg_state_name(v.state), msg_state_name(state));
    assert_string_equal(v.reason, reason);
}

const char *events_of(struct post *p, const char *id)
{
    AUTO(buf_close) struct buf out = {0};
    struct journal_row *rows;
    size_t n;

    FINE(queue_timeline(p->q, SHOP, id, p->a, &rows, &n, &p->e));
    for (size_t i = 0; i < n; i++)
        buf_addf(&out, "%s%s", i > 0 ? " " : "", rows[i].event);
    return arena_text(p->a, buf_str(&out));
}

void expect_whole_chain(struct post *p, const char *storefront, const char *node)
{
    struct chain_report r;

    FINE(queue_verify(p->q, storefront, node, p->a, &r, &p->e));
    if (r.broken_seq != 0)
        fail_msg("the chain is broken at %lld: %s", (long long)r.broken_seq, r.broken_why);
    assert_true(r.rows > 0);
}

static bool in_file(const char *path, struct str needle)
{
    AUTO(buf_close) struct buf b = {0};
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    while ((n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
        b.n += n;
    fclose(f);
    return str_find(buf_str(&b), needle, 0) < b.n;
}

bool bytes_in_any_file(struct post *p, struct str needle)
{
    DIR *d = opendir(p->data);
    struct dirent *entry;
    bool found = false;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.')
            found = found || in_file(post_file(p, entry->d_name), needle);
    closedir(d);
    return found;
}

bool in_any_file(struct post *p, const char *needle)
{
    return bytes_in_any_file(p, str_of(needle));
}
