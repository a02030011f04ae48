/* tongue -- the language in which a command speaks to people.
 *
 * English is built in. Other languages are catalogs of the mails' format, a folder for a command and a
 * file for a language: templates/locales/check-dns/zh-CN.json. They are looked for in the settings'
 * templates_dir, then where packages install them, then beside the program, then where it was built;
 * the first that is there counts whole. "zh", "zh-Hans" and "zh-SG" are served by zh-CN, "zh-TW" is not.
 * Where no catalog is there the tongue is English, and one line on stderr says so; but not where only the
 * environment asked for a language that nobody has translated.
 *
 * Ownership: tongue_close frees; what tongue_tell gives lives as long as the tongue.
 * Errors: --lang that is no language tag is wrong usage; a catalog that cannot be read is told on stderr.
 * One thread. */
#ifndef MAILER_CLI_TONGUE_H
#define MAILER_CLI_TONGUE_H

#include "base/said.h"
#include "mailer/cli/cli.h"

#define TONGUE_WISHES 8

/* What a user's environment says about languages; "" or NULL = not set. */
struct tongue_environment {
    const char *lc_all, *lc_messages, *lang, *language;
};

/* The languages wanted as BCP 47 tags, the dearest first; none = English. The locale is the first that is
 * set of LC_ALL, LC_MESSAGES and LANG; without one, or in the locales C and POSIX, nothing is translated.
 * Else LANGUAGE, a list, counts instead of it where it is set (gettext). */
size_t tongue_wishes(
    const struct tongue_environment *e, struct arena *a, const char *out[TONGUE_WISHES]);

struct tongue;

/* By --lang, else by the environment. conf may be NULL. */
bool tongue_open(const struct cli *c, const struct conf *conf, struct tongue **out, int *exit_code);
struct tongue *tongue_english(void);
void tongue_close(struct tongue **t);

const char *tongue_tag(const struct tongue *t); /* "en", "zh-CN" */

/* A said_look; its context is the tongue. */
const char *tongue_look(void *tongue, const char *key);
const char *tongue_tell(struct tongue *t, struct said s);
struct arena *tongue_arena(struct tongue *t); /* lives as long */

#endif
