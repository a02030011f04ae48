/* json_inside -- what the files of base/json.h share: how a tree lies in memory, and the two readers.
 *
 * Every value lies in a region, with its text, its items and its members; whole trees share one, so that reading takes a
 * few allocations and closing as many. A region lives while somebody holds one of its values. What is put into a tree becomes part of
 * its region, unless others hold it too: then the region is one more holder, and two that take in values of each other stay for
 * ever. What is replaced stays until the region goes. Only the counting of holders is safe between threads.
 *
 * Both readers take the same texts and make the same values of them; tests/base/test_json_read.c holds them to it.
 * The one of jansson looks at each byte several times (9 ns), so it only has the last word: on what the quick one
 * does not like, and in which words it is refused.
 * Errors: NULL and false say that there is no memory. */
#ifndef BASE_JSON_INSIDE_H
#define BASE_JSON_INSIDE_H

#include "base/json.h"

#define JSON_DEPTH_MAX 64

struct json_region;

struct json_member {
    struct str key; /* NUL-terminated, as texts are */
    struct js *value;
};

struct js {
    struct json_region *region;
    enum js_kind kind;
    uint32_t room; /* for so many items or members */
    size_t n;      /* of items or members */
    union {
        bool yes;
        int64_t integer;
        double real;
        struct str text;
        struct js **items;
        struct {
            struct json_member *members; /* in the order in which they came */
            uint32_t *places; /* of a larger object: where each stands, by the hash of its key */
        };
    };
};

/* ---- json_tree.c ---- */
struct json_region *json_region_open(
    size_t bytes); /* with one holder; about so much will be needed */
void json_region_hold(struct json_region *r);
void json_region_drop(struct json_region *r);

struct js *json_new(struct json_region *r, enum js_kind kind);
bool json_fill_text(struct js *v, struct str s); /* copies */
/* These two take values that lie in the same region, or were adopted. */
bool json_append(struct js *array, struct js *value);
struct json_member *json_find(const struct js *object, struct str key);
bool json_add(
    struct js *object, struct str key, struct js *value); /* a key that is not there yet */
/* Value's region becomes part of that of `into`, or is held by it, in place of the caller. */
bool json_adopt(struct js *into, struct js *value);

/* ---- json_read.c ---- */
/* Copies what needs no look at once. NULL: ask json_read_slowly. */
struct js *json_read_quickly(struct str text, size_t values_max);
/* How many bytes at the start stand in a JSON text for themselves: ASCII without controls, quote and backslash.
 * In steps of sixteen, so it may stop early. */
size_t json_plain(struct str s);

/* ---- json_slow.c ---- */
/* Errors as js_parse. */
bool json_read_slowly(struct str text, size_t values_max, struct js **out, struct err *e);
/* A number of any form, exactly; NULL: it is none, or too large. */
struct js *json_read_number(struct json_region *r, struct str text);

/* malloc that remembers a failure, so that it is not taken for wrong syntax. Freed with free. */
void *json_allocate(size_t n);

#endif
