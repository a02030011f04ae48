#include "base/conf.h"
#include "base/conf_value.h"

static void indent(size_t depth, struct buf *out)
{
    for (size_t i = 0; i < depth; i++)
        buf_add_text(out, "    ");
}

static void print(const struct conf_section *s, const char *owner, size_t depth, struct buf *out);

static void print_section(
    const struct conf_section *s, const char *owner, size_t depth, struct buf *out)
{
    indent(depth, out);
    buf_add_text(out, s->name);
    if (s->title) {
        buf_add_char(out, ' ');
        conf_text_print(str_of(*(const char *const *)(owner + s->title_at)), out);
    }
    buf_add_text(out, " {\n");
    print(s, owner, depth + 1, out);
    indent(depth, out);
    buf_add_text(out, "}\n");
}

static void print(const struct conf_section *s, const char *owner, size_t depth, struct buf *out)
{
    for (size_t i = 0; i < s->options_n; i++) {
        indent(depth, out);
        buf_addf(out, "%s = ", s->options[i].name);
        conf_value_print(&s->options[i], owner, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < s->sections_n; i++) {
        const struct conf_section *inner = &s->sections[i];
        const char *place = owner + inner->at;
        if (!inner->title) {
            print_section(inner, place, depth, out);
            continue;
        }
        const char *all = *(const char *const *)place;
        for (size_t k = 0; k < *(const size_t *)(owner + inner->count_at); k++)
            print_section(inner, all + k * inner->size, depth, out);
    }
}

void conf_print(const struct conf *c, struct buf *out)
{
    print(conf_root(), (const char *)c, 0, out);
}

/* In a table's cell a | would begin the next one. */
static void add_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static void document_default(const struct conf_option *o, struct buf *out)
{
    if (o->otherwise)
        add_cell(o->otherwise, out);
    else if (!o->fallback)
        buf_add_text(out, "**must be given**");
    else if (!*o->fallback)
        buf_add_text(out, "none");
    else
        buf_addf(out, "`%s`", o->fallback);
}

static void document_option(const struct conf_option *o, struct buf *out)
{
    buf_addf(out, "| `%s` | %s", o->name, conf_type_name(o));
    if (o->type == CONF_NUMBER || o->type == CONF_SPAN || o->type == CONF_SIZE) {
        buf_add_char(out, ' ');
        conf_number_print(o->type, o->least, out);
        buf_add_text(out, " to ");
        conf_number_print(o->type, o->most, out);
    }
    for (size_t i = 0; o->choices && o->choices[i]; i++)
        buf_addf(out, "%s`%s`", i > 0 ? ", " : ": ", o->choices[i]);
    buf_add_text(out, " | ");
    document_default(o, out);
    buf_add_text(out, " | ");
    add_cell(o->help, out);
    buf_add_text(out, o->fixed ? " (changes with a restart) |\n" : " |\n");
}

static void document(const struct conf_section *s, const char *within, struct buf *out)
{
    AUTO(buf_close) struct buf name = {0};

    if (*s->name) {
        buf_addf(&name, "%s%s%s", s->name, s->title ? " " : "", s->title ? s->title : "");
        buf_addf(out, "\n## %s { }\n\n%s", buf_text(&name), s->help);
        if (*within)
            buf_addf(out, " Stands inside `%s`.", within);
        buf_add_text(out, "\n\n");
    }
    buf_add_text(out, "| setting | type | default | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < s->options_n; i++)
        document_option(&s->options[i], out);
    for (size_t i = 0; i < s->sections_n; i++)
        document(&s->sections[i], buf_text(&name), out);
}

void conf_document(struct buf *out)
{
    buf_add_text(out,
        "# Settings\n\n"
        "Written by `parcelpost config document` from the table that also reads the file.\n\n"
        "A setting is `name = value`. Text needs quotes where it holds spaces or one of "
        "`#\"'={}()+,*`; a\n"
        "list is `{\"a\", \"b\"}`. Comments begin with `#`, or `//` at the start of a word, or "
        "stand in\n"
        "`/* */`. `${NAME}` is taken from the environment, where it must be set; with "
        "`${NAME:-text}`, text\n"
        "stands for it where it is not. Relative paths begin at the settings file's folder. A time "
        "is `500ms`,\n"
        "`90s`, `15m`, `2h` or `3d`, a size `512KiB`, `10MiB` or `1GiB`; a plain number counts the "
        "unit in\n"
        "the setting's name. `parcelpost config check` reports every wrong value at once.\n\n"
        "## The installation\n\n");
    document(conf_root(), "", out);
}
