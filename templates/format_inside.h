/* format_inside -- what the files of templates/format.h share with its tests: ICU's own answers, of which layouts are learned
 * (layout.h). The same bytes as format_integer and format_money; the amount and the currency must be right. */
#ifndef TEMPLATES_FORMAT_INSIDE_H
#define TEMPLATES_FORMAT_INSIDE_H

#include "templates/format.h"

bool format_ask_integer(const struct format *f, int64_t n, struct buf *out, struct err *e);
bool format_ask_money(
    const struct format *f, struct str amount, struct str currency, struct buf *out, struct err *e);

#endif
