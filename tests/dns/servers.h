/* servers -- real DNS servers on free loopback ports: NSD, which is authoritative, and Unbound, which resolves and
 * validates. They run as whoever runs the test, in a temporary folder of their own, reach nothing but loopback, and
 * end with the test's process at the latest.
 * Ownership: server_stop removes the folder and all that is in it.
 * Errors: a server that does not answer fails the test with its log. */
#ifndef TESTS_DNS_SERVERS_H
#define TESTS_DNS_SERVERS_H

#include "tests/support/scratch.h"

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#define NSD_PROGRAM "/usr/sbin/nsd"
#define UNBOUND_PROGRAM "/usr/sbin/unbound"

struct dns_server {
    char address[32];    /* "127.0.0.1:5300" */
    char address_at[32]; /* "127.0.0.1@5300", as both servers' settings write it */
    char folder[SCRATCH_SIZE],
        log[96]; /* its own; further files may be put there before it stops */
    pid_t pid;
};

/* A sentence is printed where the program is missing; with CI in the environment the test fails. */
bool server_is_missing(const char *program, const char *package);

struct nsd_zone {
    const char *name, *path; /* of the zone file */
};

/* Answers for these zones alone: other names are REFUSED. */
void nsd_start(struct dns_server *s, const struct nsd_zone *zones, size_t n);

/* `settings` follow those of the clause `server:` that every test needs; further clauses may come behind them:
 * "trust-anchor-file: ...\nstub-zone:\n name: ...\n stub-addr: 127.0.0.1@5301\n". */
void unbound_start(struct dns_server *s, const char *settings);

void server_end(struct dns_server *s); /* ends it, and keeps its folder until server_stop */
void server_stop(struct dns_server *s);

#endif
