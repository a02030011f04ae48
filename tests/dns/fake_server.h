/* fake_server -- a DNS server on loopback, UDP and TCP on one port, that does to each question what its script says.
 * It builds its packets by hand, so that no code of ours or ldns's is on both sides of the wire.
 * The script is used up a question at a time; its last act repeats. One thread of its own until fake_stop. */
#ifndef TESTS_DNS_FAKE_SERVER_H
#define TESTS_DNS_FAKE_SERVER_H

#include "base/lang.h"

#include <netinet/in.h>
#include <pthread.h>

enum act {
    ANSWER,          /* A 192.0.2.7, TTL 100                                           */
    ANSWER_OTHER,    /* A 192.0.2.8, TTL 100                                           */
    ANSWER_FOLDED,   /* the same as ANSWER with the question in one case               */
    FOLDED_NO_TCP,   /* over UDP the same; over TCP closes                             */
    ANSWER_AD,       /* with the AD bit                                                */
    ANSWER_DO,       /* with an OPT record that has the DO bit, and no signature       */
    ANSWER_ZERO_TTL, /* A 192.0.2.7, TTL 0                                             */
    ANSWER_HUGE_TTL, /* A 192.0.2.7, TTL 2^31-1                                        */
    ANSWER_SIGN_TTL, /* A 192.0.2.7, TTL 2^31: zero by RFC 2181                        */
    SILENT,
    HELD,         /* nothing until fake_release, then A 192.0.2.7, TTL 0            */
    HELD_TO_FAIL, /* nothing until fake_release, then SERVFAIL                      */
    SERVFAIL,
    REFUSED,
    FORMERR_TO_EDNS, /* FORMERR without a question while asked with EDNS, else ANSWER  */
    NXDOMAIN_SOA,    /* with a SOA of TTL 50 and minimum 20                            */
    NODATA_SOA,
    NXDOMAIN_BARE, /* without SOA                                                    */
    NODATA_BARE,
    WRONGS_THEN_RIGHT, /* other ID, other name, other type, a question, 3 bytes; ANSWER  */
    ONLY_WRONGS,
    FORGED_CASE, /* UDP: ANSWER_OTHER with one letter in the other case, then ANSWER */
    SERVFAIL_FOLDED,
    GARBAGE,        /* our header and question, then rubbish                          */
    TRUNCATED,      /* TC and nothing over UDP; over TCP the next act                 */
    TRUNCATED_CUT,  /* TC and half a record over UDP                                  */
    TWICE,          /* ANSWER two times                                               */
    OTHERS_RECORDS, /* A of a name that nobody asked for, beside the right one        */
    CHAIN,          /* CNAME b.test, CNAME c.test, A 192.0.2.7 at c.test              */
    CHAIN_LOOP,     /* CNAME b.test, and b.test CNAME to the question                 */
    CHAIN_CUT,      /* CNAME c.test alone, as an authoritative server gives it        */
    CHAIN_NXDOMAIN, /* CNAME x.gone.test, NXDOMAIN with SOA                             */
    CNAME_SELF,     /* CNAME to the question's own name                               */
    CNAME_ROOT,     /* CNAME to the root                                              */
    CNAME_ON,       /* CNAME to "x." and the question's name, without end             */
    OVERSIZED,      /* 5,200 bytes of TXT, whatever size was asked for                */
    LATE,           /* answers what is HELD, and not this question                    */
    BIG_TXT,        /* one TXT record that fills 65,535 bytes of message              */
    MANY_A,         /* 300 addresses                                                  */
    SHORT_A,        /* an A record of 3 bytes                                         */
    TCP_CLOSES,     /* over TCP: closes at once; over UDP like TRUNCATED              */
    TCP_STOPS,      /* over TCP: half of the answer, then silence                     */
    TCP_OTHER_ID,
    TCP_DRIPS,        /* over TCP: a byte each 10 ms                                  */
    TCP_CLOSES_EARLY, /* over TCP: half of the answer, then closes                    */
    TCP_LENGTH_LONG,  /* over TCP: a length of one byte more, then closes             */
    TCP_LENGTH_SHORT, /* over TCP: a length of two bytes less                         */
    TCP_LENGTH_ZERO,
};

#define FAKE_HELD_MAX 8

struct fake_server {
    char address[32]; /* "127.0.0.1:5300" */
    const enum act *script;
    size_t script_n, at;
    _Atomic int udp, tcp, edns; /* questions seen; those with an OPT record */
    _Atomic unsigned ports_differ, last_port, last_id,
        uppers; /* letters in upper case, all in all */
    struct {
        char query[512];
        size_t n;
        struct sockaddr_in from;
        enum act act;
    } held[FAKE_HELD_MAX];
    size_t held_n;
    int udp_fd, tcp_fd, control_fds[2];
    pthread_t thread;
};

void fake_start(struct fake_server *s, const enum act *script, size_t n);
void fake_stop(struct fake_server *s);
void fake_release(struct fake_server *s); /* answers what is held */

/* A loopback port on which nobody listens, as "127.0.0.1:PORT". */
void dead_port(char out[32]);

#endif
