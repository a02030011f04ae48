#include "mailer/deliver/dial_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- gathering what is written -------------------------------------------------------------------------- */

/* Among them was the password, where the server wanted one. */
static void forget_words(struct dial *d)
{
    if (d->words)
        explicit_bzero(d->words, DIAL_WORDS_SIZE);
    free(d->words);
    d->words = NULL;
    d->words_n = 0;
}

static void forget_out(struct dial *d)
{
    if (d->out != d->small)
        free(d->out);
    d->out = NULL;
    d->out_from = d->out_n = 0;
}

void dial_forget_gathered(struct dial *d)
{
    forget_out(d);
    forget_words(d);
}

void dial_give_up(struct dial *d)
{
    d->broken = true;
    d->lost = dial_holds_words(d);
    forget_out(d);
    d->words_n = 0; /* OpenSSL may be reading them: they are freed later */
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
    forget_out(d);
    return true;
}

static char *fetch(size_t size)
{
    char *p = malloc(size);

    if (!p)
        err_out_of_memory();
    return p;
}

static void make_room(struct dial *d, size_t n)
{
    if (!d->out)
        d->out = n <= DIAL_SMALL_SIZE ? d->small : fetch(DIAL_OUT_SIZE);
    if (d->out == d->small && d->out_n + n > DIAL_SMALL_SIZE) {
        d->out = fetch(DIAL_OUT_SIZE);
        memcpy(d->out, d->small, d->out_n);
    }
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
    make_room(d, take);
    memcpy(d->out + d->out_n, p, take);
    d->out_n += take;
    return (ssize_t)take;
}

/* Takes some of the piece: how much, 0 = it must be asked again. */
typedef size_t dial_take(struct dial *d, struct str piece);

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

/* As much of the piece as there is room for, so that `poll` tells by our buffer when there is some again: 0 = none now, errno
 * says why. */
static size_t gather_some(struct dial *d, struct str piece)
{
    size_t room = DIAL_OUT_SIZE - d->out_n;
    ssize_t n = gather(d, piece.p, room > 0 && room < piece.n ? room : piece.n);

    return n < 0 ? 0 : (size_t)n;
}

static bool has_piece(struct dial *d)
{
    if (d->piece.n == 0 && !d->broken)
        d->piece = d->speak(d->speaker);
    return d->piece.n > 0 && !d->broken;
}

/* True: all of it. Else the library asks again with the same words. */
static bool say_instead(struct dial *d, struct str words, dial_take *take)
{
    if (!str_eq(words, d->instead))
        dial_give_up(d);
    while (has_piece(d)) {
        size_t n = take(d, d->piece);
        if (n == 0)
            return false;
        d->piece = str_slice(d->piece, n, d->piece.n);
    }
    if (d->broken) {
        errno = EPIPE;
        return false;
    }
    d->instead = STR("");
    return true;
}

/* In clear; under TLS these are records, and what they say was seen above. */
ssize_t dial_write(struct dial *d, const void *p, size_t n)
{
    if (d->ssl)
        return gather(d, p, n);
    if (d->instead.n > 0)
        return say_instead(d, str_bytes(p, n), gather_some) ? (ssize_t)n : -1;
    if (keeps_silent(d))
        return (ssize_t)n;
    struct str behind = take_behind(d);
    ssize_t written = gather(d, p, n);
    if (behind.n > 0 && (written != (ssize_t)n || gather(d, behind.p, behind.n) < 0))
        dial_give_up(d); /* a piece of it all would be worse than nothing */
    return written;
}

/* ---- under TLS: few records, as large as they come ------------------------------------------------------- */

/* The same words again after a false: OpenSSL insists on it. */
bool dial_seal(struct dial *d)
{
    if (d->words_n == 0)
        return true;
    if (dial_next()->SSL_write(d->ssl, d->words, (int)d->words_n) <= 0)
        return false;
    forget_words(d);
    return true;
}

static bool collect(struct dial *d, struct str bytes)
{
    if (bytes.n > DIAL_WORDS_SIZE - d->words_n && !dial_seal(d))
        return false;
    if (!d->words)
        d->words = fetch(DIAL_WORDS_SIZE);
    memcpy(d->words + d->words_n, bytes.p, bytes.n);
    d->words_n += bytes.n;
    return true;
}

static size_t collect_some(struct dial *d, struct str piece)
{
    size_t room = DIAL_WORDS_SIZE - d->words_n;
    struct str some = str_slice(piece, 0, room > 0 ? room : DIAL_WORDS_SIZE);

    return collect(d, some) ? some.n : 0;
}

/* On failure the library asks OpenSSL why, which knows what became of the seal. It writes pieces of 2 KB: one for which there
 * is no room would leave before the words that are gathered. */
int dial_write_under_tls(struct dial *d, const void *p, int n)
{
    if (d->instead.n > 0 && n > 0 && !d->broken) {
        if (say_instead(d, str_bytes(p, (size_t)n), collect_some))
            return n;
        return d->broken ? dial_next()->SSL_write(d->ssl, p, n) : -1;
    }
    if (keeps_silent(d))
        return n;
    struct str behind = take_behind(d);
    if (n > (int)DIAL_WORDS_SIZE)
        dial_give_up(d);
    if (d->broken || n <= 0)
        return dial_next()->SSL_write(d->ssl, p, n);
    if (!collect(d, str_bytes(p, (size_t)n))) {
        if (behind.n > 0)
            dial_give_up(d);
        return -1;
    }
    if (behind.n > 0 && !collect(d, behind))
        dial_give_up(d); /* a piece of it all would be worse than nothing */
    return n;
}
