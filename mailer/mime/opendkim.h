/* opendkim -- libopendkim under names that do not meet ours, and what signing and verifying share.
 * The library has functions dkim_sign, dkim_verify and dkim_close and a struct dkim, as
 * mailer/mime/dkim.h does. In source its three are called opendkim_*; in the linker ours have a
 * prefix (DKIM_LINK there). Inside mailer/mime only; this header is included instead of
 * <opendkim/dkim.h>. */
#ifndef MAILER_MIME_OPENDKIM_H
#define MAILER_MIME_OPENDKIM_H

#define dkim opendkim_message
#define dkim_sign opendkim_sign
#define dkim_verify opendkim_verify
#define dkim_close opendkim_close
#include <opendkim/dkim.h>
#undef dkim
#undef dkim_sign
#undef dkim_verify
#undef dkim_close

__typeof__(opendkim_sign) opendkim_sign __asm__("dkim_sign");
__typeof__(opendkim_verify) opendkim_verify __asm__("dkim_verify");
__typeof__(opendkim_close) opendkim_close __asm__("dkim_close");

#include "mailer/mime/dkim.h"

struct dkim {
    DKIM_LIB *lib;
    bool body_simple;
    bool takes_hashes; /* hash_seam.h is in force */
    const struct clock *clock;
};

/* Closes a message's handle; for AUTO(). */
void opendkim_free(DKIM **message);

/* Cuts a message at its empty line; without one, all of it is header. */
void opendkim_split(struct str message, struct str *header, struct str *body);

/* Cuts the next field with its continuation lines off *header, without the CRLF at its end. */
bool opendkim_next_field(struct str *header, struct str *field);

/* Callbacks of verifying (dkim_verify.c), installed by dkim_open. */
DKIM_CBSTAT opendkim_lookup_key(
    DKIM *message, DKIM_SIGINFO *signature, unsigned char *out, size_t size);
DKIM_CBSTAT opendkim_screen(DKIM *message, DKIM_SIGINFO **signatures, int n);

#endif
