#include "tests/bench/marks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "re");

    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (!feof(f) && !ferror(f))
        out->n += fread(buf_room(out, 65536), 1, 65536, f);
    fclose(f);
}

static bool is_mark(struct str s, size_t at)
{
    return at + 1 < s.n && (s.p[at] == '@' || s.p[at] == '#') && s.p[at + 1] == s.p[at];
}

/* Cuts the text at its marks, once: a request is then a few copies. */
void marks_open(struct marks *m, const char *path)
{
    *m = (struct marks){0};
    read_file(path, &m->text);
    struct str text = buf_str(&m->text);
    for (size_t from = 0, at = 0; from < text.n; from = at += 2) {
        while (at < text.n && !is_mark(text, at))
            at++;
        if (m->n == MARKS_MAX) {
            fprintf(stderr, "%s: more than %d marks\n", path, MARKS_MAX - 1);
            exit(2);
        }
        m->pieces[m->n].text = str_slice(text, from, at);
        m->pieces[m->n++].mark = at < text.n ? text.p[at] : 0;
    }
}

void marks_write(const struct marks *m, long number, struct buf *out)
{
    for (size_t i = 0; i < m->n; i++) {
        buf_add(out, m->pieces[i].text);
        if (m->pieces[i].mark)
            buf_add_i64(out, m->pieces[i].mark == '@' ? number : number % MARKS_DOMAINS);
    }
}

void marks_close(struct marks *m)
{
    buf_close(&m->text);
    m->n = 0;
}
