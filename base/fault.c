#include "base/fault.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_SIZE 512

void faults_init(struct faults *f, struct arena *a)
{
    *f = (struct faults){.arena = a};
}

void faults_add(struct faults *f, const char *code, struct str pointer, const char *format, ...)
{
    char detail[DETAIL_SIZE];
    va_list args;

    if (f->n++ >= FAULTS_MAX)
        return;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    struct fault *one = ARENA_NEW(f->arena, struct fault);
    one->pointer = arena_text(f->arena, pointer);
    one->code = arena_text(f->arena, str_of(code));
    one->detail = arena_text(f->arena, str_of(detail));
    if (f->last)
        f->last->next = one;
    else
        f->first = one;
    f->last = one;
}

/* Most keys stand in a pointer as they are; one is made for each value of a request that is checked. */
static struct str plain_pointer(struct arena *a, struct str parent, struct str key)
{
    char *p = arena_alloc(a, parent.n + key.n + 2);

    if (parent.n > 0)
        memcpy(p, parent.p, parent.n);
    p[parent.n] = '/';
    if (key.n > 0)
        memcpy(p + parent.n + 1, key.p, key.n);
    p[parent.n + 1 + key.n] = 0;
    return str_bytes(p, parent.n + 1 + key.n);
}

struct str fault_pointer(struct arena *a, struct str parent, struct str key)
{
    AUTO(buf_close) struct buf out = {0};

    if (str_find_char(key, '~', 0) == key.n && str_find_char(key, '/', 0) == key.n)
        return plain_pointer(a, parent, key);
    buf_add(&out, parent);
    buf_add_char(&out, '/');
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~')
            buf_add_text(&out, "~0");
        else if (key.p[i] == '/')
            buf_add_text(&out, "~1");
        else
            buf_add_char(&out, key.p[i]);
    }
    return arena_str(a, buf_str(&out));
}
