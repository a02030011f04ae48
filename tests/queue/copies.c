#include "tests/queue/copies.h"

#include <dirent.h>

const char *beside(struct post *p, const char *name)
{
    return arena_printf(p->a, "%s/%s", p->dir, name);
}

struct backup_copy take_copy(struct post *p, enum backup_part part, const char *name)
{
    struct backup_copy c;

    FINE(backup_take(p->data, part, beside(p, name), &p->clock, &c, &p->e));
    return c;
}

struct restore_setup setup_of(struct post *p)
{
    return (struct restore_setup){.data_dir = p->data,
        .node = "one",
        .keys = p->keys,
        .clock = &p->clock,
        .queue_copy = beside(p, "q"),
        .actor = "tester"};
}

struct restore_report restore(struct post *p, const struct restore_setup *setup)
{
    struct restore_report r;

    queue_close(&p->q);
    FINE(backup_restore(setup, p->a, &r, &p->e));
    p->q = post_start(p, QUEUE_SERVE, "one");
    return r;
}

void restore_refuses(
    struct post *p, const struct restore_setup *setup, enum err_code code, const char *words)
{
    struct restore_report r;

    refused(backup_restore(setup, p->a, &r, &p->e), &p->e, code);
    if (!strstr(p->e.text, words))
        fail_msg("'%s' does not say '%s'", p->e.text, words);
}

size_t entries_of(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d)) != NULL;)
        n += strncmp(f->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}
