/* seals -- plain text in, sealed bytes out, and back: always on the caller's thread, so that the work of many
 * callers runs side by side and the committer only writes. */
#include "queue/inside.h"

#include "base/encode.h"
#include "base/json.h"

void person_wipe(struct person *p)
{
    vault_key_wipe(&p->key);
}

bool person_of(struct queue *q, const char *storefront, struct str address, bool make,
    struct person *out, struct err *e)
{
    *out = (struct person){.storefront = storefront};
    keyed_person(q->keys, storefront, address, &out->who);
    return queue_seen_keys(
        q, vault_key_of(q->vault, storefront, &out->who, make, &out->key, &out->has_key, e), e);
}

/* ---- places ---- */

struct str bind_address(struct arena *a, const char *storefront, const struct digest *person)
{
    AUTO(buf_close) struct buf hex = {0};

    encode_hex(&hex, digest_str(person));
    struct str parts[] = {STR("address/"), str_of(storefront), STR("/"), buf_str(&hex)};
    return arena_join(a, parts, COUNT_OF(parts));
}

struct str bind_private(struct arena *a, const char *storefront, const char *id)
{
    struct str parts[] = {STR("private/"), str_of(storefront), STR("/"), str_of(id)};

    return arena_join(a, parts, COUNT_OF(parts));
}

struct str bind_attachment(struct arena *a, const char *storefront, const char *id, size_t place)
{
    return str_of(arena_printf(a, "attachment/%s/%s/%zu", storefront, id, place));
}

struct str bind_journal(struct arena *a, const char *storefront, const char *about)
{
    struct str parts[] = {STR("journal/"), str_of(storefront), STR("/"), str_of(about)};

    return arena_join(a, parts, COUNT_OF(parts));
}

struct str bind_note(struct arena *a, const char *storefront, const char *scope, const char *reason)
{
    return str_of(arena_printf(a, "note/%s/%s/%s", storefront, scope, reason));
}

/* ---- lengths inside a seal ---- */

struct length {
    uint8_t b[4];
};

static struct length length_of(size_t n)
{
    return (struct length){{(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static size_t read_length(struct str s, size_t at)
{
    size_t n = 0;

    for (size_t i = 0; i < 4; i++)
        n = n << 8 | (unsigned char)s.p[at + i];
    return n;
}

/* ---- texts ---- */

struct str seal_text(struct arena *a, const struct person *p, struct str binding, struct str plain)
{
    AUTO(buf_close) struct buf out = {0};

    vault_seal(&p->key, binding, plain, &out);
    return buf_give(&out, a);
}

static struct str seal_parts(
    struct arena *a, const struct person *p, struct str binding, const struct str *parts, size_t n)
{
    AUTO(buf_close) struct buf out = {0};

    vault_seal_parts(&p->key, binding, parts, n, &out);
    return buf_give(&out, a);
}

bool unseal_text(struct queue *q, const char *storefront, struct str binding, struct str sealed,
    struct arena *a, struct str *out, bool *erased, struct err *e)
{
    AUTO(buf_wipe) struct buf plain = {0};

    *out = STR("");
    /* One that does not open is that row's trouble, not the store's: the others go on. */
    if (!queue_seen_keys(
            q, vault_unseal(q->vault, storefront, binding, sealed, &plain, erased, e), e))
        return false;
    *out = arena_str(a, buf_str(&plain));
    return true;
}

struct store_person person_for_store(struct arena *a, const struct person *p, struct str address)
{
    return (struct store_person){
        .who = p->who,
        .address = seal_text(a, p, bind_address(a, p->storefront, &p->who.hash[0]), address),
    };
}

struct personal personal_text(
    struct arena *a, const struct person *p, const char *about, const char *name, struct str text)
{
    struct personal out = {.text = STR(""), .sealed = STR("")};
    AUTO(js_close) struct js *o = NULL;
    AUTO(buf_wipe) struct buf plain = {0};

    if (text.n == 0 || !p->has_key)
        return out;
    o = js_object();
    js_set_text(o, name, text);
    hash_random(out.salt, sizeof out.salt);
    buf_add(&plain, str_bytes(out.salt, sizeof out.salt));
    js_write(o, JS_CANONICAL, &plain);
    out.text = arena_str(a, str_slice(buf_str(&plain), sizeof out.salt, plain.n));
    out.sealed = seal_text(a, p, bind_journal(a, p->storefront, about), buf_str(&plain));
    return out;
}

bool unseal_personal(struct queue *q, const struct store_row *row, struct arena *a,
    struct str *salt, struct str *text, bool *erased, struct err *e)
{
    const struct journal_row *r = &row->row;
    struct str plain;

    if (!unseal_text(q, r->storefront, bind_journal(a, r->storefront, r->message_id), row->sealed,
            a, &plain, erased, e))
        return false;
    *salt = str_slice(plain, 0, JOURNAL_SALT);
    *text = str_slice(plain, JOURNAL_SALT, plain.n);
    return true;
}

/* ---- the private part: length of the address (4 bytes), address, JSON. The person's row knows one spelling of the
 * address; each message keeps its own. ---- */

struct str seal_private(struct arena *a, const struct person *p, const struct submission *s)
{
    struct length n = length_of(s->address.n);
    struct str parts[] = {str_bytes(n.b, sizeof n.b), s->address, s->private_json};

    return seal_parts(a, p, bind_private(a, s->storefront, s->id), parts, COUNT_OF(parts));
}

static bool unseal_private(struct queue *q, struct store_message *m, struct arena *a, struct err *e)
{
    struct message_view *v = &m->view;
    struct str plain;

    if (!unseal_text(q, v->storefront, bind_private(a, v->storefront, v->id), m->private_json, a,
            &plain, &v->erased, e))
        return false;
    if (v->erased)
        return true;
    size_t n = plain.n < 4 ? 0 : read_length(plain, 0);
    if (plain.n < 4 || n > plain.n - 4)
        return err_set(e, ERR_CORRUPT, "a private part is cut short");
    v->address = str_slice(plain, 4, 4 + n);
    v->private_json = str_slice(plain, 4 + n, plain.n);
    return true;
}

bool unseal_view(
    struct queue *q, struct store_message *m, struct arena *a, bool with_private, struct err *e)
{
    struct message_view *v = &m->view;

    v->erased = m->address.n == 0;
    if (!v->erased && !with_private &&
        !unseal_text(q, v->storefront, bind_address(a, v->storefront, &m->person), m->address, a,
            &v->address, &v->erased, e))
        return false;
    if (!v->erased && with_private && !unseal_private(q, m, a, e))
        return false;
    if (v->erased)
        v->address = v->private_json = STR("");
    return true;
}

/* ---- attachments: length of the name, length of the type (4 bytes each), name, type, bytes ---- */

struct str seal_attachment(struct arena *a, const struct person *p, const char *id, size_t place,
    const struct attachment *at)
{
    struct str name = str_of(at->filename), type = str_of(at->content_type);
    struct length lengths[] = {length_of(name.n), length_of(type.n)};
    struct str parts[] = {str_bytes(lengths, sizeof lengths), name, type, at->bytes};

    return seal_parts(a, p, bind_attachment(a, p->storefront, id, place), parts, COUNT_OF(parts));
}

bool unseal_attachment(struct queue *q, const struct store_message *m, size_t place,
    struct arena *a, struct attachment *out, bool *erased, struct err *e)
{
    const struct message_view *v = &m->view;
    struct str plain;
    size_t name, type;

    if (!unseal_text(q, v->storefront, bind_attachment(a, v->storefront, v->id, place),
            m->attachments[place], a, &plain, erased, e))
        return false;
    if (*erased)
        return true;
    if (plain.n < 8)
        return err_set(e, ERR_CORRUPT, "an attachment is cut short");
    name = read_length(plain, 0);
    type = read_length(plain, 4);
    if (name > plain.n - 8 || type > plain.n - 8 - name)
        return err_set(e, ERR_CORRUPT, "an attachment is cut short");
    out->filename = arena_text(a, str_slice(plain, 8, 8 + name));
    out->content_type = arena_text(a, str_slice(plain, 8 + name, 8 + name + type));
    out->bytes = str_slice(plain, 8 + name + type, plain.n);
    return true;
}

/* ---- facts ---- */

static struct str written(struct arena *a, const struct js *o)
{
    AUTO(buf_close) struct buf text = {0};

    js_write(o, JS_CANONICAL, &text);
    return arena_str(a, buf_str(&text));
}

struct str facts_why(struct arena *a, const char *why)
{
    AUTO(js_close) struct js *o = NULL;

    if (!why || !why[0])
        return STR("{}");
    o = js_object();
    js_set_cstr(o, "why", why);
    return written(a, o);
}

bool facts_with_reason(
    struct arena *a, struct str facts, const char *reason, struct str *out, struct err *e)
{
    AUTO(js_close) struct js *o = NULL;

    if (!js_parse(facts.n > 0 ? facts : STR("{}"), &o, e))
        return err_prefix(e, "the facts of a change");
    if (js_kind(o) != JS_OBJECT)
        return err_set(
            e, ERR_INPUT, "the facts of a change are %s, not an object", js_kind_name(js_kind(o)));
    if (reason && reason[0] && js_kind(js_get(o, "reason")) == JS_ABSENT)
        js_set_cstr(o, "reason", reason);
    *out = written(a, o);
    return true;
}
