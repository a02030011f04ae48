#include "base/encode.h"
#include "mailer/comply/comply.h"

#define PAGE_ROWS 500

/* One row of the file: what is written, and as which column. */
enum column {
    COL_ADDRESS,
    COL_PERSON,
    COL_SCOPE,
    COL_REASON,
    COL_ORIGIN,
    COL_SINCE,
    COL_EXPIRES,
    COL_LIFTED_AT,
    COL_LIFTED_BY,
    COL_LIFTED_WHY,
    COL_EVIDENCE,
    COL_ACTOR,
    COLUMNS
};

static const char *const column_names[COLUMNS] = {
    [COL_ADDRESS] = "address",
    [COL_PERSON] = "person",
    [COL_SCOPE] = "scope",
    [COL_REASON] = "reason",
    [COL_ORIGIN] = "origin",
    [COL_SINCE] = "since",
    [COL_EXPIRES] = "expires",
    [COL_LIFTED_AT] = "lifted_at",
    [COL_LIFTED_BY] = "lifted_by",
    [COL_LIFTED_WHY] = "lifted_why",
    [COL_EVIDENCE] = "evidence",
    [COL_ACTOR] = "actor",
};

/* A spreadsheet runs a cell that begins with one of these (OWASP, "CSV Injection"). */
static bool is_formula(struct str cell)
{
    return cell.n > 0 && memchr("=+-@\t\r", cell.p[0], 6) != NULL;
}

static bool needs_quotes(struct str cell)
{
    for (size_t i = 0; i < cell.n; i++)
        if (memchr(",\"\r\n\t", cell.p[i], 5))
            return true;
    return cell.n > 0 && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ');
}

void comply_csv_cell(struct buf *out, struct str cell)
{
    bool quoted = needs_quotes(cell);

    if (quoted)
        buf_add_char(out, '"');
    if (is_formula(cell))
        buf_add_char(out, '\'');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, cell.p[i]);
    }
    if (quoted)
        buf_add_char(out, '"');
}

static struct str time_cell(struct arena *a, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];

    if (ms == 0)
        return STR("");
    clock_rfc3339(ms, text);
    return arena_str(a, str_of(text));
}

static void fill_cells(struct arena *a, const struct suppression *s, struct str cells[COLUMNS])
{
    AUTO(buf_close) struct buf person = {0};

    encode_hex(&person, digest_str(&s->person));
    cells[COL_ADDRESS] = s->address;
    cells[COL_PERSON] = arena_str(a, buf_str(&person));
    cells[COL_SCOPE] = str_of(s->scope);
    cells[COL_REASON] = str_of(s->reason);
    cells[COL_ORIGIN] = str_of(s->origin);
    cells[COL_SINCE] = time_cell(a, s->since_ms);
    cells[COL_EXPIRES] = time_cell(a, s->expires_ms);
    cells[COL_LIFTED_AT] = time_cell(a, s->lifted_ms);
    cells[COL_LIFTED_BY] = str_of(s->lifted_by);
    cells[COL_LIFTED_WHY] = str_of(s->lifted_why);
    cells[COL_EVIDENCE] = str_of(s->evidence);
    cells[COL_ACTOR] = str_of(s->actor);
}

static enum column first_column(const struct export *x)
{
    return x->with_addresses ? COL_ADDRESS : COL_PERSON;
}

static void write_csv_line(struct buf *out, enum column first, const struct str cells[COLUMNS])
{
    for (size_t i = first; i < COLUMNS; i++) {
        if (i > first)
            buf_add_char(out, ',');
        comply_csv_cell(out, cells[i]);
    }
    buf_add_text(out, "\r\n");
}

static void write_json_line(struct buf *out, enum column first, const struct str cells[COLUMNS])
{
    AUTO(js_close) struct js *o = js_object();

    for (size_t i = first; i < COLUMNS; i++) {
        if (cells[i].n > 0)
            js_set_text(o, column_names[i], cells[i]);
        else
            js_set(o, column_names[i], js_new_null());
    }
    js_write(o, JS_COMPACT, out);
    buf_add_char(out, '\n');
}

static void write_head(struct buf *out, const struct export *x)
{
    struct str names[COLUMNS];

    for (size_t i = 0; i < COLUMNS; i++)
        names[i] = str_of(column_names[i]);
    if (x->format == EXPORT_CSV)
        write_csv_line(out, first_column(x), names);
}

static void write_row(
    struct buf *out, struct arena *a, const struct export *x, const struct suppression *s)
{
    struct str cells[COLUMNS];

    fill_cells(a, s, cells);
    if (x->format == EXPORT_CSV)
        write_csv_line(out, first_column(x), cells);
    else
        write_json_line(out, first_column(x), cells);
}

static struct js *filter_facts(const struct suppression_filter *f)
{
    struct js *o = js_object();
    char text[CLOCK_RFC3339_SIZE];

    js_set_cstr(o, "scope", f->scope);
    js_set_cstr(o, "reason", f->reason);
    js_set_cstr(o, "origin", f->origin);
    if (f->since_ms != 0) {
        clock_rfc3339(f->since_ms, text);
        js_set_cstr(o, "since", text);
    }
    if (f->until_ms != 0) {
        clock_rfc3339(f->until_ms, text);
        js_set_cstr(o, "until", text);
    }
    js_set_bool(o, "with_lifted", f->with_lifted);
    return o;
}

static bool note(
    struct queue *q, const char *storefront, const struct export *x, uint64_t rows, struct err *e)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf facts = {0};

    js_set_cstr(o, "what", "suppressions");
    js_set_cstr(o, "format", x->format == EXPORT_CSV ? "csv" : "json-lines");
    js_set_bool(o, "with_addresses", x->with_addresses);
    js_set(o, "filter", filter_facts(&x->filter));
    js_set_int(o, "rows", (int64_t)rows);
    js_write(o, JS_COMPACT, &facts);
    return queue_note(
        q, storefront, "exported", (struct actor){x->actor, x->why}, "", buf_str(&facts), e);
}

bool comply_export_suppressions(struct queue *q, const char *storefront, const struct export *x,
    bool (*write)(void *context, struct str piece, struct err *e), void *context, uint64_t *rows,
    struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf piece = {0};
    struct suppression_filter page = x->filter;
    size_t n = 1;

    page.after_row = 0;
    page.max = PAGE_ROWS;
    write_head(&piece, x);
    for (*rows = 0; n > 0; *rows += n) {
        struct suppression *found;
        arena_clear(a);
        if (!queue_suppressions(q, storefront, &page, a, &found, &n, e))
            return false;
        for (size_t i = 0; i < n; i++)
            write_row(&piece, a, x, &found[i]);
        if (n > 0)
            page.after_row = found[n - 1].row;
        if (piece.n > 0 && !write(context, buf_str(&piece), e))
            return false;
        buf_clear(&piece);
    }
    return note(q, storefront, x, *rows, e);
}
