/* conf_scan -- a settings file made ready for libconfuse 3.3, which accepts sections and comments that are
 * not closed at the end of the file, refuses comments within lists, takes //word for a value and counts
 * a line too many for each C comment.
 * So comments become blanks here, line by line as they were, and what is not closed is refused with
 * the line where it begins, alone. For libconfuse a variable that is not in the environment is empty:
 * here each is a fault, unless it brings its own text, ${NAME:-text}.
 * What it would put in words that name no setting is found here: a value that is missing, and, for its reader who
 * knows which settings are lists and what sections there are, where each list begins, and each value that may be the
 * beginning of a section; and each word behind a value, which that reader calls an unknown setting.
 * Private to base/conf*.c. Faults live in the arena. Any thread, while nobody sets the environment. */
#ifndef BASE_CONF_SCAN_H
#define BASE_CONF_SCAN_H

#include "base/arena.h"
#include "base/buf.h"

struct conf_scan_fault {
    int line;
    const char *code; /* syntax, missing */
    const char *detail;
    struct conf_scan_fault *next;
};

#define CONF_NO_VALUE "a value has to stand behind its ="

/* NAME = { or, over two lines, NAME = WORD "TITLE", NAME = WORD { */
struct conf_scan_doubt {
    int line;
    const char *name, *word; /* "" of a list */
    struct conf_scan_doubt *next;
};

/* NAME = VALUE WORD in one line, and no = behind WORD: it may begin a section, or belong to the value. */
struct conf_scan_rest {
    int line;
    const char *name, *word;
    struct conf_scan_rest *next;
};

struct conf_scan_found {
    const struct conf_scan_fault *faults; /* NULL: none */
    const struct conf_scan_doubt *doubts; /* in any order */
    const struct conf_scan_rest *rests;   /* in any order */
};

void conf_scan(struct str text, struct arena *a, struct buf *out, struct conf_scan_found *found);

#endif
