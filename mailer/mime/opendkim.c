/* The library's handle, its settings and its memory. */
#include "mailer/mime/opendkim.h"

#include "mailer/mime/hash_seam.h"

#include <stdlib.h>

#define LEAST_BITS 1024 /* RFC 8301 s3.2: verifiers must not accept less */

/* Fields that get one entry more in h= than the mail has, so that none can be added later (RFC 6376
 * s8.15). */
static const char *const oversigned[] = {
    "From", "To", "Subject", "Date", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", NULL};

/* A message's memory comes from its arena, because the library forgets to free some of it; what
 * belongs to the library handle has no arena. */
static void *allocate(void *arena, size_t n)
{
    return arena ? arena_alloc(arena, n) : malloc(n);
}

static void release(void *arena, void *p)
{
    if (!arena)
        free(p);
}

static bool set_options(DKIM_LIB *lib)
{
    /* Each signature is processed on its own at the end, and broken ones are kept to be
     * reported. */
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
    unsigned bits = LEAST_BITS;
    char **list = (char **)(uintptr_t)oversigned;

    return dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) ==
               DKIM_STAT_OK &&
           dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) ==
               DKIM_STAT_OK &&
           dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, list, sizeof list) ==
               DKIM_STAT_OK &&
           dkim_set_key_lookup(lib, opendkim_lookup_key) == DKIM_STAT_OK &&
           dkim_set_prescreen(lib, opendkim_screen) == DKIM_STAT_OK;
}

bool dkim_open(const struct dkim_setup *s, struct dkim **out, struct err *e)
{
    struct dkim *d = calloc(1, sizeof *d);

    if (!d)
        err_out_of_memory();
    d->body_simple = s->body_simple;
    d->takes_hashes = hash_seam_is_in_force();
    d->clock = s->clock ? s->clock : clock_system();
    d->lib = dkim_init(allocate, release);
    if (!d->lib || !set_options(d->lib) || !dkim_libfeature(d->lib, DKIM_FEATURE_ED25519) ||
        !dkim_libfeature(d->lib, DKIM_FEATURE_OVERSIGN)) {
        dkim_close(&d);
        return err_set(
            e, ERR_LIBRARY, "libopendkim lacks what signing needs (Ed25519, oversigning)");
    }
    *out = d;
    return true;
}

void dkim_close(struct dkim **d)
{
    if (!*d)
        return;
    if ((*d)->lib)
        opendkim_close((*d)->lib);
    free(*d);
    *d = NULL;
}

void opendkim_free(DKIM **message)
{
    if (*message)
        (void)dkim_free(*message);
    *message = NULL;
}

void opendkim_split(struct str message, struct str *header, struct str *body)
{
    size_t end = str_starts(message, STR("\r\n")) ? 0 : str_find(message, STR("\r\n\r\n"), 0);

    *header = str_slice(message, 0, end == 0 ? 0 : end + 2);
    *body = str_slice(message, end == 0 ? 2 : end + 4, message.n);
}

bool opendkim_next_field(struct str *header, struct str *field)
{
    size_t end = 0;

    if (header->n == 0)
        return false;
    do {
        end = str_find(*header, STR("\r\n"), end);
        end = end < header->n ? end + 2 : header->n;
    } while (end < header->n && (header->p[end] == ' ' || header->p[end] == '\t'));
    *field = str_slice(*header, 0, end);
    *header = str_slice(*header, end, header->n);
    if (str_ends(*field, STR("\r\n")))
        field->n -= 2;
    return true;
}
