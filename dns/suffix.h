/* suffix -- which name would have to be registered to own this one, guessed for people by the Public Suffix List
 * (libpsl's only user). DMARC never asks it: RFC 9989 walks the tree (dmarc_walk.h).
 * A registry sells names below its suffix ("co.uk"), a hoster hands them to its customers ("github.io"): in both
 * cases what nobody has can become a stranger's.
 * Names are lower-case A-labels without a final dot. Pure, any thread. The list is the one built into libpsl. */
#ifndef DNS_SUFFIX_H
#define DNS_SUFFIX_H

#include "dns/name.h"

/* "a.shop.co.uk" -> "shop.co.uk". False: the name is a public suffix itself, or has one label. */
bool suffix_registrable(const char *name, char out[NAME_SIZE]);
/* Whether the name is handed out by a hoster to its customers: "shop.github.io". */
bool suffix_is_hosted(const char *registrable);

#endif
