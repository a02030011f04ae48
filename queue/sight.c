#include "queue/sight.h"

#include <pthread.h>
#include <stdlib.h>

struct sight {
    pthread_mutex_t lock;            /* guards all below */
    struct err trouble;              /* code ERR_NONE while clear */
    bool failed;                     /* a read, since the last look */
    unsigned patience, quiet, clear; /* looks: needed, had, and since the trouble was over */
};

struct sight *sight_open(void)
{
    struct sight *s = calloc(1, sizeof *s);

    if (!s)
        err_out_of_memory();
    s->patience = SIGHT_PATIENCE;
    s->clear = SIGHT_FORGETS;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sight_close(struct sight **s)
{
    if (!*s)
        return;
    pthread_mutex_destroy(&(*s)->lock);
    free(*s);
    *s = NULL;
}

/* Under the lock. */
static void fall_ill(struct sight *s)
{
    unsigned twice = s->patience * 2;

    if (s->clear >= SIGHT_FORGETS)
        twice = SIGHT_PATIENCE;
    s->patience = twice < SIGHT_PATIENCE_MAX ? twice : SIGHT_PATIENCE_MAX;
    s->quiet = 0;
}

void sight_note(struct sight *s, const char *file, const struct err *e)
{
    pthread_mutex_lock(&s->lock);
    if (s->trouble.code == ERR_NONE) {
        fall_ill(s);
        s->trouble = *e;
        err_prefix(&s->trouble, "%s cannot be read", file);
    }
    s->failed = true;
    pthread_mutex_unlock(&s->lock);
}

bool sight_is_clear(struct sight *s, struct err *e)
{
    pthread_mutex_lock(&s->lock);
    bool clear = s->trouble.code == ERR_NONE;
    if (!clear)
        *e = s->trouble;
    pthread_mutex_unlock(&s->lock);
    return clear;
}

void sight_look(struct sight *s, bool heads_are_readable)
{
    pthread_mutex_lock(&s->lock);
    if (s->trouble.code == ERR_NONE) {
        s->clear += s->clear < SIGHT_FORGETS;
    } else {
        s->quiet = s->failed || !heads_are_readable ? 0 : s->quiet + 1;
        if (s->quiet >= s->patience) {
            s->trouble = (struct err){0};
            s->clear = 0;
        }
    }
    s->failed = false;
    pthread_mutex_unlock(&s->lock);
}
