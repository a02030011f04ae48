/* load -- posts send requests over N keep-alive connections as fast as they are answered.
 *
 *     load PORT KEY CONNECTIONS COUNT FILE
 *
 * FILE is one request, with marks (see marks.h). Prints one JSON line (see crowd.h): accepted are those answered 202.
 * Exit 1 when any was not. */
#include "tests/bench/crowd.h"
#include "tests/bench/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct load {
    const char *key;
    struct marks request;
    struct buf body; /* of the request that is being written */
};

static void next_request(struct load *l, struct crowd *c, struct crowd_member *m)
{
    if (!crowd_begin(c, m))
        return;
    buf_clear(&l->body);
    marks_write(&l->request, m->number, &l->body);
    buf_addf(&m->out,
        "POST /v1/messages HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: "
        "application/json\r\n"
        "Idempotency-Key: bench-%d-%ld\r\nContent-Length: %zu\r\n\r\n",
        l->key, (int)getpid(), m->number, l->body.n);
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

    if (argc != 6)
        return fputs("usage: load PORT KEY CONNECTIONS COUNT FILE\n", stderr), 64;
    struct crowd_setup setup = {.port = atoi(argv[1]),
        .connections = atoi(argv[3]),
        .total = atol(argv[4]),
        .talk = talk,
        .context = &l};
    l.key = argv[2];
    marks_open(&l.request, argv[5]);
    crowd_open(&setup, &c);
    crowd_run(c);
    long refused = crowd_report(c);
    crowd_close(&c);
    marks_close(&l.request);
    buf_close(&l.body);
    return refused > 0;
}
