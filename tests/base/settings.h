/* settings -- what the tests of base/conf.h share: settings files that a test writes, in one folder, and loads.
 * Group set-up and -end are settings_enter and settings_leave. A failure fails the test. */
#ifndef TESTS_BASE_SETTINGS_H
#define TESTS_BASE_SETTINGS_H

#include "base/conf.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"

#define FROM "from = \"Acme Shop <orders@shop.example>\"\n"
#define URL "public_url = \"https://post.shop.example\"\n"
#define SHOP(inside) URL "storefront \"acme\" {\n" FROM inside "}\n"

extern struct folder settings_folder;

int settings_enter(void **state);
int settings_leave(void **state);

/* Loads `text` as a file of its own, parcelpost.conf, which is gone again afterwards. */
bool settings_load(struct str text, struct faults *faults, const struct conf **out, struct err *e);
const struct conf *settings_right(const char *name, struct str text);

#endif
