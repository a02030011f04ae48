/* conf_check -- the checks that single settings name in conf_table.c.
 * Each returns NULL when the value is right, else a constant that says what would be. Pure. */
#ifndef BASE_CONF_CHECK_H
#define BASE_CONF_CHECK_H

#include "base/str.h"

const char *conf_check_node(struct str s);
const char *conf_check_storefront(struct str s);
const char *conf_check_word(struct str s); /* titles of streams and smart hosts */
const char *conf_check_domain(struct str s);
const char *conf_check_selector(struct str s);
const char *conf_check_host(struct str s);    /* a domain or an address */
const char *conf_check_address(struct str s); /* IPv4 or IPv6 */
const char *conf_check_resolver(struct str s);
const char *conf_check_mailbox(struct str s);
const char *conf_check_public_url(struct str s);
const char *conf_check_site(struct str s);
const char *conf_check_support(struct str s);
const char *conf_check_colour(struct str s);
const char *conf_check_locale(struct str s);
const char *conf_check_user(struct str s);

/* The part behind the @ of a mailbox that conf_check_mailbox accepts. */
struct str conf_mailbox_domain(struct str mailbox);

#endif
