/* variables -- what a mail's data must look like, as its mail.json declares it.
 *
 *   "order.number": {"type": "text"}          a dotted name makes the objects that it goes through
 *   "items": {"type": "list", "of": {"name": {"type": "text"}, "price": {"type": "money", "optional": true}}}
 *   "names": {"type": "list", "of": {"type": "text"}}
 *   "coupon": {"type": "object", "optional": true, "of": {"code": {"type": "text"}}}
 *
 *   types  text, url, integer, money, date, datetime, flag, list, object (see mails.h)
 *   "optional": true    may be absent or null
 *   "max": n            bytes of a text or url (1,000 unless said), members of a list (100), the largest integer
 *   "min": n            the least integer; of money the least amount, as decimal text: "0.01"
 *   "lines": true       a text that may hold line breaks
 *
 * Ownership: the tree lives in the arena and points into the JSON that it was made from.
 * Errors: a declaration that makes no sense is ERR_INPUT.
 * Threads: a finished tree is immutable. */
#ifndef TEMPLATES_VARIABLES_H
#define TEMPLATES_VARIABLES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/json.h"

enum variable_type {
    VARIABLE_TEXT,
    VARIABLE_URL,
    VARIABLE_INTEGER,
    VARIABLE_MONEY,
    VARIABLE_DATE,
    VARIABLE_DATETIME,
    VARIABLE_FLAG,
    VARIABLE_LIST,
    VARIABLE_OBJECT,
};

struct variable {
    struct str name;
    enum variable_type type;
    bool optional, lines;
    size_t max;               /* bytes or members */
    int64_t least, most;      /* of an integer */
    struct str least_amount;  /* of money; "" = any */
    struct variable *members; /* of an object */
    struct variable *element; /* of a list */
    struct variable *next;
};

/* "a date such as 2026-11-21": what a request must put there, in the arena. */
const char *variable_wanted(const struct variable *v, struct arena *a);
/* The names of an object's members, or of the required ones, as "name, quantity". */
const char *variable_names(const struct variable *object, bool required, struct arena *a);

bool variables_declare(
    const struct js *declared, struct arena *a, struct variable **root, struct err *e);
const struct variable *variable_member(const struct variable *object, struct str name);

/* Some place of the data has this name: from the top, or seen from within an object or a list. */
bool variables_know(const struct variable *root, struct str dotted);

/* All that is wrong with the data: codes variable-missing, variable-type, variable-value, variable-unknown. */
void variables_check(
    const struct variable *root, const struct js *data, struct str at, struct faults *faults);

/* Which values of one piece of data are dates: their JSON is plain text. Does not move; variables_dates_close frees. */
struct date_place {
    const struct js *value;
    enum variable_type type;
};
struct dates_of {
    struct date_place *v;
    size_t n, cap; /* a power of two */
    struct date_place few[16];
};
void variables_dates(const struct variable *root, const struct js *data, struct dates_of *out);
void variables_dates_close(struct dates_of *d);
/* VARIABLE_TEXT: no date. */
enum variable_type variables_type_of(const struct dates_of *d, const struct js *value);

#endif
