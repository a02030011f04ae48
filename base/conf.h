/* conf -- the settings file as an immutable, counted snapshot.
 *
 * One table of options (conf_table.c) parses, checks, prints and documents it: name, type, default,
 * bounds, help and the place in these structs. `config check` reports every wrong value at once,
 * each with file, line and setting; a syntax error alone, because nothing behind it can be trusted,
 * and variables that are not in the environment alone, because values stand with them.
 *
 * Shapes: sections are titled and come in any order, `storefront "acme" { ... }`. Text settings are
 * never NULL, "" where absent. Relative paths are taken from the settings file's folder. Units
 * stand in names; in the file, times are "90s", "15m", "2h", "3d" and sizes "10MiB" or a plain
 * number of the unit.
 * Ownership: conf_load gives one reference, conf_ref another, conf_close drops one; a reload makes
 * a new snapshot and a job keeps the one it began with.
 * Loading: one thread at a time (libconfuse). Reading: any. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"

struct conf_dkim { /* dkim "SELECTOR" { ... } inside a storefront; one handle per entry signs */
    const char *selector;
    const char *domain;   /* d=, "" = the From domain */
    const char *key_file; /* PEM private key, RSA (2048 bits and more) or Ed25519 */
};

enum stream_class { STREAM_TRANSACTIONAL, STREAM_MARKETING };

struct conf_stream { /* stream "NAME" { class = "marketing" } inside a storefront */
    const char *name;
    enum stream_class class;
};

struct conf_brand {
    const char *name;           /* shown in mails; default: the storefront's name */
    const char *url;            /* the shop's own site */
    const char *support_url;    /* or a mailto: */
    const char *postal_address; /* lines separated by ", "; marketing streams need one */
    const char *colour;         /* "#rrggbb" for buttons */
    const char *logo_file;      /* PNG or JPEG sent inline, "" = none */
};

struct conf_storefront {
    const char *name; /* [a-z0-9-]{1,63}, the tenant key */
    const char *from; /* "Acme Shop <orders@shop.example>" */
    const char *reply_to;
    const char *return_path_domain; /* reverse-path TOKEN@here; aligned with From for SPF */
    const char *locale;             /* BCP 47, used when a request names none */
    const char *smart_host;    /* title of a smart_host section, "" = straight to the MX hosts */
    const char *templates_dir; /* its own mails, looked at before the shipped ones; "" = none */
    struct conf_brand brand;
    struct conf_dkim *dkim;
    size_t dkim_n;
    struct conf_stream *streams; /* always holds "transactional" and "marketing" */
    size_t streams_n;
};

enum conf_tls { CONF_TLS_OFFERED, CONF_TLS_REQUIRED, CONF_TLS_VERIFIED };

struct conf_smart_host {
    const char *name;
    const char *host;
    int64_t port;
    const char *user;          /* "" = no AUTH; AUTH always requires verified STARTTLS */
    const char *password_file; /* first line; never printed */
    enum conf_tls tls;
};

struct conf {
    /* the installation */
    const char *node;     /* [a-z0-9-]{1,32}, unique among machines of one queue */
    const char *data_dir; /* queue.db, keys.db, flight */
    const char *keyring_file;
    const char *templates_dir; /* the shipped ones: mails/ and locales/ */
    const char *captured_dir;  /* of the sandbox's mails: in clear, so apart from data_dir */
    const char *log_level;
    const char *tls_ca_file; /* "" = the system's bundle */

    /* HTTP */
    const char *listen_address;
    int64_t listen_port;
    const char *public_url;             /* what recipients reach, without trailing slash */
    const char *const *trusted_proxies; /* addresses whose X-Forwarded-For counts */
    size_t trusted_proxies_n;
    int64_t max_request_bytes;
    int64_t max_attachment_bytes; /* of all attachments of one message, decoded */
    int64_t requests_per_minute;  /* of one API key; of batches each message */

    /* DNS */
    const char *const *resolvers; /* "127.0.0.1" or "127.0.0.1:5300" or "[::1]:53" */
    size_t resolvers_n;
    const char *const *zone_files;
    size_t zone_files_n;
    int64_t dns_timeout_ms;
    bool gate_hold; /* off: the gate only warns, for a first day beside another system */

    /* delivery */
    const char *hostname;                /* EHLO name */
    const char *const *public_addresses; /* the addresses that receivers see, for SPF */
    size_t public_addresses_n;
    const char *source_address; /* bind outgoing connections, "" = the system chooses */
    int64_t smtp_port;          /* of MX hosts; 25 */
    int64_t lanes;
    int64_t connect_timeout_ms;
    int64_t transfer_timeout_ms; /* one read or write */
    int64_t attempt_timeout_ms;  /* one message, whole */
    int64_t lease_ms;            /* above attempt_timeout_ms */
    int64_t retry_first_ms, retry_max_ms;
    int64_t expire_after_ms;
    int64_t messages_per_connection;
    bool smtp_pipelining;
    bool body_8bit;
    const char *dkim_canonicalization; /* "relaxed/relaxed" or "relaxed/simple" */
    bool allow_private_destinations;   /* sandbox and tests: MX addresses on loopback are dialled */

    struct conf_storefront *storefronts;
    size_t storefronts_n;
    struct conf_smart_host *smart_hosts;
    size_t smart_hosts_n;
};

/* Errors: those of file_read (at most 1 MiB), and ERR_INPUT where the text is wrong: e has the first
 * fault, faults all of them; the pointer is "FILE:LINE" and the setting stands in the text. */
bool conf_load(const char *path, struct faults *faults, const struct conf **out, struct err *e);

/* "FILE:LINE" of the setting that a pointer like "/storefront/acme/dkim/s1/key_file" means; where the file does not give it, of
 * its section, or the file alone. In the arena. */
const char *conf_where(const struct conf *c, const char *pointer, struct arena *a);

const struct conf *conf_ref(const struct conf *c);
void conf_close(const struct conf **c);

/* A snapshot of its own for the sandbox: no DNS servers, the settings' zone files and these, MX
 * hosts at smtp_port on loopback, no storefront with a smart host, and behind the name of each smart host the receiver at
 * that port: commands beside the service have the real settings, and queue for it. Nothing else differs, so that what is
 * tried is what runs. */
const struct conf *conf_sandbox(const struct conf *c, const char *receiver, int smtp_port,
    const char *const *more_zones, size_t more_zones_n);

const struct conf_storefront *conf_storefront(const struct conf *c, const char *name); /* or NULL */
const struct conf_smart_host *conf_smart_host(const struct conf *c, const char *name); /* or NULL */
const struct conf_stream *conf_stream(const struct conf_storefront *s, const char *name);

void conf_print(const struct conf *c, struct buf *out); /* effective values; secrets are paths */
void conf_document(struct buf *out);                    /* docs/config.md, from the same table */

#endif
