/* shelf_case -- the mails of the tree, one compiled for a brand of the tests, data from files. */
#ifndef TESTS_TEMPLATES_SHELF_CASE_H
#define TESTS_TEMPLATES_SHELF_CASE_H

#include "templates/mails.h"
#include "tests/support/scratch.h"

#define DATA_DIR "tests/templates/data/"

struct mails *open_shelf(void); /* fails the test when it does not open */
struct brand test_brand(void);
struct mail *compile_mail(const struct mails *m, const char *name, const char *locale);
struct js *parse_json(const char *text);
struct js *read_data(const char *file); /* under DATA_DIR */
void write_file(const char *dir, const char *name, const char *text);

/* A folder of its own under /tmp. */
struct folder {
    char path[SCRATCH_SIZE];
};
void folder_open(struct folder *f);
void folder_make(const struct folder *f, const char *name); /* a folder inside */
void folder_remove(struct folder *f);

/* The mail rendered; links may be NULL. */
void render_mail(const struct mail *m, const struct js *data, const struct mail_links *links,
    struct mail_parts *out);

#endif
