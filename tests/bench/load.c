/* load -- posts send requests over N keep-alive connections as fast as they are answered.
 *
 *     load PORT KEY CONNECTIONS COUNT FILE [BATCH]
 *
 * FILE is one send request, with marks (see marks.h). With BATCH so many of them go out in each request, of which there are
 * COUNT. Prints one JSON line (see crowd.h): accepted are those requests that were answered 202, which of a batch means each
 * of its messages. Exit 1 when any was not. */
#include "tests/bench/crowd.h"
#include "tests/bench/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct load {
    const char *key;
    long batch; /* 0: single requests */
    struct marks request;
    struct buf body; /* of the request that is being written */
};

static void write_batch(struct load *l, long number)
{
    buf_add_text(&l->body, "{\"messages\":[");
    for (long i = 0; i < l->batch; i++) {
        if (i > 0)
            buf_add_char(&l->body, ',');
        marks_write(&l->request, number * l->batch + i, &l->body);
    }
    buf_add_text(&l->body, "]}");
}

static void next_request(struct load *l, struct crowd *c, struct crowd_member *m)
{
    if (!crowd_begin(c, m))
        return;
    buf_clear(&l->body);
    if (l->batch > 0)
        write_batch(l, m->number);
    else
        marks_write(&l->request, m->number, &l->body);
    buf_addf(&m->out,
        "POST /v1/messages%s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: "
        "application/json\r\n"
        "Idempotency-Key: bench-%d-%ld\r\nContent-Length: %zu\r\n\r\n",
        l->batch > 0 ? "/batch" : "", l->key, (int)getpid(), m->number, l->body.n);
    buf_add(&m->out, buf_str(&l->body));
}

/* True when the whole answer (head and Content-Length bytes) has come. */
static bool answer_is_whole(struct str all)
{
    size_t end = str_find(all, STR("\r\n\r\n"), 0);
    if (end == all.n)
        return false;
    struct str rest = str_slice(all, 0, end), line;
    uint64_t length = 0;
    while (str_next(&rest, '\n', &line))
        if (str_starts_nocase(line, STR("content-length:")))
            str_to_u64(str_trim(str_slice(line, 15, line.n)), &length);
    return all.n >= end + 4 + length;
}

static void talk(void *context, struct crowd *c, struct crowd_member *m)
{
    struct str answer = buf_str(&m->in);

    if (answer.n > 0 && !answer_is_whole(answer))
        return;
    if (answer.n > 0)
        crowd_end(c, m, str_starts(answer, STR("HTTP/1.1 202")));
    buf_clear(&m->in);
    next_request(context, c, m);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    struct crowd *c;

    if (argc != 6 && argc != 7)
        return fputs("usage: load PORT KEY CONNECTIONS COUNT FILE [BATCH]\n", stderr), 64;
    struct crowd_setup setup = {.port = atoi(argv[1]),
        .connections = atoi(argv[3]),
        .total = atol(argv[4]),
        .talk = talk,
        .context = &l};
    l.key = argv[2];
    l.batch = argc == 7 ? atol(argv[6]) : 0;
    marks_open(&l.request, argv[5]);
    crowd_open(&setup, &c);
    crowd_run(c);
    long refused = crowd_report(c);
    crowd_close(&c);
    marks_close(&l.request);
    buf_close(&l.body);
    return refused > 0;
}
