/* conf_scan -- a settings file made ready for libconfuse 3.3, which accepts sections and comments that are
 * not closed at the end of the file, refuses comments within lists, takes //word for a value and counts
 * a line too many for each C comment.
 * So comments become blanks here, line by line as they were, and what is not closed is refused with
 * the line where it begins. Private to base/conf*.c. Pure, any thread. */
#ifndef BASE_CONF_SCAN_H
#define BASE_CONF_SCAN_H

#include "base/buf.h"

struct conf_scan_fault {
    int line;
    const char *detail;
};

bool conf_scan(struct str text, struct buf *out, struct conf_scan_fault *fault);

#endif
