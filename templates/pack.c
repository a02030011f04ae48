#include "templates/pack.h"

#include "templates/node.h"

void pack_literal(struct buf *literals, const struct literal *l)
{
    buf_add(literals, str_bytes((const char *)l, sizeof *l));
}

static void add_number(struct buf *out, size_t n)
{
    for (; n > 127; n >>= 7)
        buf_add_char(out, (char)(n | 128));
    buf_add_char(out, (char)n);
}

static void add_own(struct buf *out, struct str own)
{
    add_number(out, own.n);
    buf_add(out, own);
}

void pack(struct str text, struct str literals, struct buf *out)
{
    struct literal l;
    size_t done = 0;

    for (size_t i = 0; i + sizeof l <= literals.n; i += sizeof l) {
        memcpy(&l, literals.p + i, sizeof l);
        add_own(out, str_slice(text, done, l.at));
        add_number(out, l.owner);
        add_number(out, l.node);
        done = l.at + l.n;
    }
    add_own(out, str_slice(text, done, text.n));
}

/* ---- and back ---- */

static bool take_number(struct str *from, size_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 35 && from->n > 0; shift += 7) {
        unsigned char c = (unsigned char)*from->p;

        *from = str_slice(*from, 1, from->n);
        *out |= (size_t)(c & 127) << shift;
        if (c < 128)
            return true;
    }
    return false;
}

static bool take_own(struct str *from, struct buf *out)
{
    size_t n;

    if (!take_number(from, &n) || n > from->n)
        return false;
    buf_add(out, str_slice(*from, 0, n));
    *from = str_slice(*from, n, from->n);
    return true;
}

static bool take_literal(struct str *from, pack_find *find, const void *context, struct buf *out)
{
    size_t number, node;

    if (!take_number(from, &number) || !take_number(from, &node))
        return false;
    const struct template *t = find(context, (uint32_t)number);
    if (!t || node >= t->n || t->nodes[node].kind != NODE_TEXT)
        return false;
    buf_add(out, t->nodes[node].text);
    return true;
}

bool unpack(struct str packed, pack_find *find, const void *context, struct buf *out, struct err *e)
{
    bool fine = take_own(&packed, out);

    while (fine && packed.n > 0)
        fine = take_literal(&packed, find, context, out) && take_own(&packed, out);
    return fine || err_set(e, ERR_CORRUPT, "a packed text does not fit its templates");
}
