#include "mailer/deliver/dial_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- gathering what is written -------------------------------------------------------------------------- */

void dial_forget_gathered(struct dial *d)
{
    free(d->out);
    d->out = NULL;
    d->out_from = d->out_n = 0;
}

void dial_give_up(struct dial *d)
{
    d->broken = true;
    dial_forget_gathered(d);
    if (d->fd >= 0)
        shutdown(d->fd, SHUT_RDWR);
}

bool dial_send_gathered(struct dial *d, int fd)
{
    while (d->out_from < d->out_n) {
        ssize_t n = send(fd, d->out + d->out_from, d->out_n - d->out_from, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0) {
            int why = errno;
            dial_give_up(d);
            errno = why;
            return false;
        }
        d->out_from += (size_t)n;
    }
    dial_forget_gathered(d);
    return true;
}

static ssize_t gather(struct dial *d, const void *p, size_t n)
{
    if (d->broken) {
        errno = EPIPE;
        return -1;
    }
    if (n > DIAL_OUT_SIZE - d->out_n && !dial_send_gathered(d, d->fd))
        return -1;
    size_t take = n < DIAL_OUT_SIZE ? n : DIAL_OUT_SIZE;
    if (!d->out && !(d->out = malloc(DIAL_OUT_SIZE)))
        err_out_of_memory();
    memcpy(d->out + d->out_n, p, take);
    d->out_n += take;
    return (ssize_t)take;
}

/* ---- what the server reads ------------------------------------------------------------------------------- */

static bool keeps_silent(struct dial *d)
{
    bool silent = d->silent;

    d->silent = false;
    return silent;
}

static struct str take_behind(struct dial *d)
{
    struct str bytes = d->behind;

    d->behind = STR("");
    return bytes;
}

/* In clear; under TLS these are records, and what they say was seen above. */
ssize_t dial_write(struct dial *d, const void *p, size_t n)
{
    if (d->ssl)
        return gather(d, p, n);
    if (keeps_silent(d))
        return (ssize_t)n;
    struct str behind = take_behind(d);
    ssize_t written = gather(d, p, n);
    if (behind.n > 0 && (written != (ssize_t)n || gather(d, behind.p, behind.n) < 0))
        dial_give_up(d); /* a piece of it all would be worse than nothing */
    return written;
}

/* Both in one record, as in clear they are in one segment. */
static int write_both_under_tls(struct dial *d, SSL *ssl, struct str first, struct str behind)
{
    char both[DIAL_PIECE_SIZE];

    if (first.n + behind.n <= sizeof both) {
        memcpy(both, first.p, first.n);
        memcpy(both + first.n, behind.p, behind.n);
        if (dial_next()->SSL_write(ssl, both, (int)(first.n + behind.n)) > 0)
            return (int)first.n;
    }
    dial_give_up(d);
    return -1;
}

int dial_write_under_tls(struct dial *d, SSL *ssl, const void *p, int n)
{
    if (keeps_silent(d))
        return n;
    struct str behind = take_behind(d);
    if (behind.n > 0 && n > 0)
        return write_both_under_tls(d, ssl, str_bytes(p, (size_t)n), behind);
    return dial_next()->SSL_write(ssl, p, n);
}
