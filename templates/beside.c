#include "templates/beside.h"

#include "templates/format.h"

enum answer { FIXED, HAS, SOME, SAME, UNSUBSCRIBE_URL, SUBJECT, PREHEADER };

struct answered {
    struct str name;
    enum answer answer;
    const struct js *value;            /* fixed */
    const struct variable *of, *a, *b; /* has, some, same */
};

struct beside {
    const struct variable *root;
    const struct js *brand;
    const char *locale;
    bool is_marketing;
    struct js *fixed, *yes, *no;
    struct answered v[BESIDE_MAX];
    uint16_t n;
};

static const char *const ours[] = {"links", "mail", "has", "some", "same", "brand"};

/* ---- one answer ------------------------------------------------------------------------------ */

static bool is_present(const struct js *v)
{
    return js_kind(v) != JS_ABSENT && js_kind(v) != JS_NULL;
}

/* Does some member of the list have it? */
static bool some_has(const struct js *list, struct str member)
{
    for (size_t i = 0; i < js_count(list); i++)
        if (is_present(js_get_str(js_at(list, i), member)))
            return true;
    return false;
}

static bool is_same_day(struct str a, struct str b)
{
    return a.n > 0 && str_eq(str_slice(a, 0, 10), str_slice(b, 0, 10));
}

static bool is_same(const struct js *object, struct str a, struct str b)
{
    return is_same_day(js_text(js_get_str(object, a)), js_text(js_get_str(object, b)));
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void set(struct js *object, struct str name, struct js *value)
{
    AUTO(buf_close) struct buf key = {0};
    buf_add(&key, name);
    js_set(object, buf_text(&key), value);
}

/* {{#some.items.price}}: of which members of its objects does a list have at least one? */
static struct js *some_of(const struct variable *list, const struct js *value)
{
    struct js *o = js_object();
    for (const struct variable *m = list->element->members; m; m = m->next)
        set(o, m->name, js_new_bool(some_has(value, m->name)));
    return o;
}

/* {{#same.delivery.earliest.latest}}: which dates of an object are one day? */
static struct js *same_of(const struct variable *object, const struct js *value)
{
    struct js *o = js_object();
    for (const struct variable *a = object->members; a; a = a->next) {
        struct js *others = js_object();
        for (const struct variable *b = object->members; b; b = b->next)
            if (a->type == VARIABLE_DATE && b->type == VARIABLE_DATE)
                set(others, b->name, js_new_bool(is_same(value, a->name, b->name)));
        set(o, a->name, others);
    }
    return o;
}

/* What Mustache cannot ask of the data itself. {{#has.items}} asks whether a list has members, which {{#items}}
 * cannot without repeating. */
static void answer_all(const struct variable *root, const struct js *data, struct js *about)
{
    struct js *has = js_object(), *some = js_object(), *same = js_object();
    for (const struct variable *v = root->members; v; v = v->next) {
        const struct js *value = js_get_str(data, v->name);
        if (v->type == VARIABLE_LIST) {
            set(has, v->name, js_new_bool(js_count(value) > 0));
            set(some, v->name, some_of(v, value));
        }
        if (v->type == VARIABLE_OBJECT)
            set(same, v->name, same_of(v, value));
    }
    js_set(about, "has", has);
    js_set(about, "some", some);
    js_set(about, "same", same);
}

static struct js *about_mail(const struct beside *b)
{
    struct js *o = js_object();
    js_set_cstr(o, "locale", b->locale);
    js_set_bool(o, "is_marketing", b->is_marketing);
    js_set_cstr(o, "dir", format_reads_right_to_left(b->locale) ? "rtl" : "ltr");
    return o;
}

static struct js *about_sending(
    const struct beside *b, const struct js *data, struct str unsubscribe_url)
{
    struct js *root = js_object(), *links = js_object();
    js_set_text(links, "unsubscribe_url", unsubscribe_url);
    js_set(root, "links", links);
    js_set(root, "mail", about_mail(b));
    answer_all(b->root, data, root);
    return root;
}

/* ---- names ----------------------------------------------------------------------------------- */

struct beside *beside_open(struct arena *a, const struct variable *root, const struct js *brand,
    const char *locale, bool is_marketing)
{
    struct beside *b = ARENA_NEW(a, struct beside);
    b->root = root;
    b->brand = brand;
    b->locale = locale;
    b->is_marketing = is_marketing;
    b->fixed = about_mail(b);
    b->yes = js_new_bool(true);
    b->no = js_new_bool(false);
    return b;
}

void beside_close(struct beside **b)
{
    if (!*b)
        return;
    js_close(&(*b)->fixed);
    js_close(&(*b)->yes);
    js_close(&(*b)->no);
    *b = NULL;
}

static struct str first_of(struct str name)
{
    return str_slice(name, 0, str_find_char(name, '.', 0));
}

static bool is_ours(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (str_is(first_of(name), ours[i]))
            return true;
    return false;
}

bool beside_is_sent(struct str name)
{
    return is_ours(name) && !str_is(first_of(name), "brand");
}

bool beside_is_hidden(const struct js *data)
{
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (js_get(data, ours[i]))
            return true;
    return false;
}

static bool find_question(
    const struct beside *b, struct str word, struct str rest, struct answered *out)
{
    struct str of = {"", 0}, first = {"", 0}, second = {"", 0};
    str_next(&rest, '.', &of);
    str_next(&rest, '.', &first);
    str_next(&rest, '.', &second);
    out->of = variable_member(b->root, of);
    if (!out->of || rest.n > 0)
        return false;
    if (str_is(word, "same") && out->of->type == VARIABLE_OBJECT) {
        out->answer = SAME;
        out->a = variable_member(out->of, first);
        out->b = variable_member(out->of, second);
        return out->a && out->b && out->a->type == VARIABLE_DATE && out->b->type == VARIABLE_DATE;
    }
    out->answer = str_is(word, "some") ? SOME : HAS;
    if (out->of->type != VARIABLE_LIST || second.n > 0 || str_is(word, "same"))
        return false;
    out->a = variable_member(out->of->element, first);
    return out->answer == SOME ? out->a != NULL : first.n == 0;
}

static bool find_answer(const struct beside *b, struct str name, struct answered *out)
{
    struct str rest = name, word = {"", 0};
    *out = (struct answered){.name = name};
    str_next(&rest, '.', &word);
    if (str_is(name, "links.unsubscribe_url"))
        out->answer = UNSUBSCRIBE_URL;
    else if (str_is(name, "mail.subject"))
        out->answer = SUBJECT;
    else if (str_is(name, "mail.preheader"))
        out->answer = PREHEADER;
    else if (str_is(word, "brand"))
        out->value = js_get_str(js_get(b->brand, "brand"), rest);
    else if (str_is(word, "mail"))
        out->value = js_get_str(b->fixed, rest);
    else
        return find_question(b, word, rest, out);
    return out->answer != FIXED || out->value;
}

static struct standing tell(const struct answered *a, uint16_t slot)
{
    return (struct standing){.kind = a->answer == FIXED ? STANDS_FIXED : STANDS_IN_SLOT,
        .slot = slot,
        .value = a->value};
}

struct standing beside_stand(struct beside *b, struct str name)
{
    if (!is_ours(name))
        return (struct standing){.kind = STANDS_IN_DATA};
    for (uint16_t i = 0; i < b->n; i++)
        if (str_eq(b->v[i].name, name))
            return tell(&b->v[i], i);
    if (b->n == BESIDE_MAX || !find_answer(b, name, &b->v[b->n]))
        return (struct standing){.kind = STANDS_UNKNOWN};
    b->n++;
    return tell(&b->v[b->n - 1], (uint16_t)(b->n - 1));
}

/* ---- one sending ----------------------------------------------------------------------------- */

static const struct js *keep_text(struct sending *s, struct str text)
{
    if (!s->texts)
        s->texts = js_array();
    js_push(s->texts, js_new_text(text));
    return js_at(s->texts, js_count(s->texts) - 1);
}

static const struct js *answer_one(
    struct sending *s, const struct answered *a, const struct js *data, struct str unsubscribe_url)
{
    const struct js *of = a->of ? js_get_str(data, a->of->name) : NULL;
    bool yes = false;
    switch (a->answer) {
    case FIXED:
        return a->value;
    case UNSUBSCRIBE_URL:
        return keep_text(s, unsubscribe_url);
    case SUBJECT:
    case PREHEADER:
        return NULL; /* not yet */
    case HAS:
        yes = js_count(of) > 0;
        break;
    case SOME:
        yes = some_has(of, a->a->name);
        break;
    case SAME:
        yes = is_same(of, a->a->name, a->b->name);
        break;
    }
    return yes ? s->beside->yes : s->beside->no;
}

void sending_open(struct sending *s, const struct beside *b, const struct js *data,
    struct str unsubscribe_url, bool as_slots)
{
    s->beside = b;
    s->texts = NULL;
    s->all = as_slots ? NULL : about_sending(b, data, unsubscribe_url);
    for (size_t i = 0; as_slots && i < b->n; i++)
        s->slots[i] = answer_one(s, &b->v[i], data, unsubscribe_url);
}

void sending_add_lines(struct sending *s, struct str subject, struct str preheader)
{
    struct js *mail = js_get(s->all, "mail");
    if (s->all) {
        js_set_text(mail, "subject", subject);
        js_set_text(mail, "preheader", preheader);
        return;
    }
    for (size_t i = 0; i < s->beside->n; i++)
        if (s->beside->v[i].answer == SUBJECT || s->beside->v[i].answer == PREHEADER)
            s->slots[i] = keep_text(s, s->beside->v[i].answer == SUBJECT ? subject : preheader);
}

void sending_close(struct sending *s)
{
    js_close(&s->all);
    js_close(&s->texts);
}
