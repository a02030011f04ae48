/* dial_inside -- what the files of dial share: one connection, and the definitions behind the seam's.
 * Only dial.c and dial_write.c include it. Threads: a dial is its lane's. */
#ifndef MAILER_DELIVER_DIAL_INSIDE_H
#define MAILER_DELIVER_DIAL_INSIDE_H

#include "mailer/deliver/dial.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#define DIAL_OUT_SIZE 65536u
#define DIAL_WORDS_SIZE 16384u /* a full record of TLS */
#define DIAL_PIECE_SIZE 20480u /* what is written at once is smaller, TLS's frame included */
#define DIAL_SMALL_SIZE 1024u  /* commands: they need no larger buffer, which must be fetched */

struct dial {
    struct watch *watch;
    struct dial_to to;
    struct addrinfo info;
    struct sockaddr_storage address;
    bool armed;        /* getaddrinfo has not been asked yet */
    int fd;            /* the library's, -1 before connect */
    SSL *ssl;          /* the library's, NULL in clear */
    struct str behind; /* to be said behind its next write, "" = nothing */
    bool silent;       /* its next write stays unsent */
    /* The words that the next write must be, "" = any; the server reads what `speak` gives: */
    struct str instead;
    dial_speak *speak;
    void *speaker;
    struct str piece; /* of it, the rest */
    bool connected, timed_out, broken;
    bool lost; /* words that the library takes for written never left */
    int connect_errno;
    size_t out_from, out_n; /* gathered bytes not sent yet: out[out_from .. out_n) */
    char *
        out; /* DIAL_OUT_SIZE, or `small`, while there are such: a lane that waits for a reply holds no more */
    char small[DIAL_SMALL_SIZE];
    size_t words_n; /* under TLS: what was written and is in no record yet */
    char *words;    /* DIAL_WORDS_SIZE while there are such */
};

/* libc's and OpenSSL's, or a sanitizer's. */
struct dial_next {
    int (*getaddrinfo)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void (*freeaddrinfo)(struct addrinfo *);
    int (*connect)(int, const struct sockaddr *, socklen_t);
    int (*poll)(struct pollfd *, nfds_t, int);
    ssize_t (*write)(int, const void *, size_t);
    int (*SSL_write)(SSL *, const void *, int);
};
const struct dial_next *dial_next(void);

/* dial_write.c: what the library writes is gathered, and leaves before a wait. */
ssize_t dial_write(struct dial *d, const void *p, size_t n);
int dial_write_under_tls(struct dial *d, const void *p, int n);
/* False: not all of it could be put into records; when something is gathered, the socket is full. */
bool dial_seal(struct dial *d);
/* Sends the gathered bytes as far as the socket takes them. False: errno says why, EAGAIN when it is full.
 * After any other failure the connection is over: the library would drop a piece and go on. */
bool dial_send_gathered(struct dial *d, int fd);
void dial_forget_gathered(struct dial *d);
void dial_give_up(struct dial *d);

#endif
