/* route -- from a destination to the hosts that may take its mail, in the order in which to try them.
 *
 * "relay:NAME" is a smart host of the settings: its addresses, its port, its policy, its credentials. Anything else
 * is a recipient domain: its MX hosts (mx.h), port smtp_port, TLS when offered. Addresses are looked up host by
 * host, when the walk comes to them. MX addresses that are not public are passed over unless the settings allow
 * them: a domain whose MX points at 127.0.0.1 or into our own network must not make us talk to ourselves. A smart
 * host is the operator's own word and may be anywhere.
 * Ownership: the route borrows from the settings and the arena; route_close wipes the password.
 * Errors: none; what the DNS and the settings say is the status. One thread. Source: RFC 5321 s5.1, RFC 7505. */
#ifndef MAILER_DELIVER_ROUTE_H
#define MAILER_DELIVER_ROUTE_H

#include "base/conf.h"
#include "mailer/deliver/smtp.h"

#define ROUTE_RELAY_PREFIX "relay:"

enum route_status {
    ROUTE_FOUND,
    ROUTE_NULL_MX,       /* the domain says that it takes no mail         */
    ROUTE_NO_DOMAIN,     /* NXDOMAIN                                      */
    ROUTE_NO_HOST,       /* neither MX nor address                        */
    ROUTE_NO_ADDRESS,    /* hosts, but no address for any of them         */
    ROUTE_NOT_PUBLIC,    /* only addresses that a stranger may not name   */
    ROUTE_TEMPERROR,     /* DNS failed                                    */
    ROUTE_NO_SMART_HOST, /* not in the settings any more                  */
    ROUTE_NO_PASSWORD,   /* its password file cannot be read, or is wrong */
};

struct hop {
    const char *host;
    struct ip address;
    int port;
    enum smtp_tls tls;
    const char *user, *password; /* user "" = no AUTH */
};

struct route {
    enum route_status status;
    struct resolver *resolver;
    struct arena *arena;
    bool only_public;
    struct mx_host *hosts;
    size_t hosts_n;
    struct hop plan; /* port, policy and credentials of every hop */
    char password[SMTP_CREDENTIAL_MAX + 1];
    size_t host; /* the walk: this host ... */
    struct ip *addresses;
    size_t addresses_n, address;    /* ... and this address of it */
    bool temperror, hidden, walked; /* met on this walk: a DNS failure, a private address, a hop */
};

void route_find(const struct conf *c, struct resolver *r, const char *destination, uint64_t seed,
    struct arena *a, struct route *out);
void route_close(struct route *r);

void route_rewind(struct route *r);
/* The next host and address; false at the end. When none came at all, `status` then says why. */
bool route_next(struct route *r, struct hop *out);

#endif
