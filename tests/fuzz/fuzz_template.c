/* fuzz_template -- templates from strangers: compile and render with fixed data, flattened too; nothing may crash, leak or hang.
 * Links the floors base and templates. Entry point of libFuzzer.
 * Input: one byte that picks the mode, then up to three templates separated by NUL: the main one, the partial "p"
 * and the partial "q". Modes: bit 0 strict, bit 1 no escape, bit 2 a small output limit, bit 3 the input is a bundle. */
#include "templates/mails.h"
#include "templates/template.h"

#define TEMPLATES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct shelf {
    struct template *t[TEMPLATES];
};

static const char *const names[TEMPLATES] = {"main", "p", "q"};

static const char fixed_data[] =
    "{\"a\":{\"b\":{\"c\":\"<x & "
    "y>\"},\"list\":[1,2.5,\"z\",null,true]},\"t\":true,\"f\":false,\"n\":null,\"p\":\"q\",\"q\":"
    "\"p\","
    "\"l\":[{\"n\":1,\"l\":[{\"n\":2,\"l\":[]}]},{\"n\":3}],\"s\":\"1\\n2\\n\",\"e\":[],\"o\":{}}";

static const struct template *find(void *context, struct str name)
{
    const struct shelf *s = context;
    for (size_t i = 0; i < TEMPLATES; i++)
        if (str_is(name, names[i]))
            return s->t[i];
    return NULL;
}

static void close_shelf(struct shelf *s)
{
    for (size_t i = 0; i < TEMPLATES; i++)
        template_close(&s->t[i]);
}

static struct standing in_data(void *context, struct str name)
{
    (void)context, (void)name;
    return (struct standing){.kind = STANDS_IN_DATA};
}

/* The same bytes as out; wrong where the template itself is, besides limits that it reaches alone. */
static void render_flat(const struct template *t, const struct js *data, const struct render *how,
    bool ok, const struct err *e, struct str out)
{
    struct template *flat AUTO(template_close) = NULL;
    struct buf own AUTO(buf_close) = {0};
    struct err own_e;
    if (!template_flatten(t, how, in_data, &flat))
        return;
    bool own_ok = template_render(flat, data, how, &own, &own_e);
    if (ok ? !own_ok || !str_eq(buf_str(&own), out) : own_ok && e->code != ERR_LIMIT)
        __builtin_trap();
}

static void render(struct str input, unsigned mode)
{
    struct shelf shelf AUTO(close_shelf) = {0};
    struct js *data AUTO(js_close) = NULL;
    struct buf out AUTO(buf_close) = {0};
    struct str source;
    struct err e;
    for (size_t i = 0; i < TEMPLATES && str_next(&input, '\0', &source); i++)
        if (!template_compile(names[i], source, &shelf.t[i], &e))
            return;
    if (shelf.t[0] == NULL || !js_parse(str_of(fixed_data), &data, &e))
        return;
    const struct render how = {
        .escape = mode & 2 ? ESCAPE_NONE : ESCAPE_HTML,
        .strict = mode & 1,
        .max_bytes = mode & 4 ? 64 : 1 << 16,
        .partial = find,
        .context = &shelf,
    };
    bool ok = template_render(shelf.t[0], data, &how, &out, &e);
    if (!ok && e.text[0] == '\0')
        __builtin_trap(); /* a failure always says why */
    render_flat(shelf.t[0], data, &how, ok, &e, buf_str(&out));
    if (out.n > how.max_bytes)
        __builtin_trap();
}

static void compile_bundle(struct str bytes)
{
    struct mail *m AUTO(mail_close) = NULL;
    struct js *data AUTO(js_close) = NULL;
    struct mail_parts parts AUTO(mail_parts_close) = {0};
    const struct mail_links links = {STR("https://shop.example/u/x")};
    struct err e;
    if (mail_compile(bytes, &m, &e) && js_parse(str_of(fixed_data), &data, &e))
        mail_render(m, data, &links, &parts, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct str rest = str_bytes(data + 1, n - 1);
    if (data[0] & 8)
        compile_bundle(rest);
    else
        render(rest, data[0]);
    return 0;
}
