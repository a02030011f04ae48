#include "templates/template.h"

#include "templates/node.h"

bool template_compile(const char *name, struct str source, struct template **out, struct err *e)
{
    if (source.n > TEMPLATE_BYTES_MAX)
        return err_set(
            e, ERR_LIMIT, "template %s has more than %u bytes", name, TEMPLATE_BYTES_MAX);
    struct arena *arena = arena_open();
    struct template *t = ARENA_NEW(arena, struct template);
    t->arena = arena;
    t->name = arena_text(arena, str_of(name));
    t->source = arena_str(arena, source);
    AUTO(arena_close) struct arena *work = arena_open();
    struct tags tags = {0};
    if (!scan_tags(t, work, &tags, e) || !parse_nodes(t, &tags, e)) {
        template_close(&t);
        return false;
    }
    *out = t;
    return true;
}

void template_close(struct template **t)
{
    if (!*t)
        return;
    struct arena *arena = (*t)->arena;
    *t = NULL;
    arena_close(&arena);
}

const char *template_name(const struct template *t)
{
    return t->name;
}

static enum look see_node(const struct node *node, template_see *see, void *context, struct err *e)
{
    enum look look;
    switch ((enum node_kind)node->kind) {
    case NODE_VARIABLE:
        return see(context, USES_VARIABLE, node->text, node->line, e);
    case NODE_SECTION:
        return see(context, USES_SECTION, node->text, node->line, e);
    case NODE_INVERTED:
        return see(context, USES_INVERTED, node->text, node->line, e);
    case NODE_PARTIAL:
    case NODE_PARENT:
        if ((node->flags & DYNAMIC) == 0)
            return see(context, USES_PARTIAL, node->text, node->line, e);
        look = see(context, USES_VARIABLE, node->text, node->line, e);
        return look != LOOK_WRONG ? see(context, USES_ANY_PARTIAL, STR(""), node->line, e) : look;
    case NODE_TEXT:
    case NODE_BLOCK:
        break;
    }
    return LOOK_ON;
}

bool template_uses(const struct template *t, template_see *see, void *context, struct err *e)
{
    enum look look = LOOK_ON;
    for (uint32_t i = 0; i < t->n && look != LOOK_WRONG;) {
        look = see_node(&t->nodes[i], see, context, e);
        i = look == LOOK_PAST ? t->nodes[i].end : i + 1;
    }
    return look != LOOK_WRONG;
}
