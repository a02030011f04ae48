#include "mailer/intake/request.h"

struct str request_private(const struct request *r)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_wipe) struct buf text = {0};

    js_set_text(o, "to_name", r->to.display);
    js_set_text(o, "reply_to", r->reply_to);
    js_set_text(o, "order", r->out->order.order);
    js_set_text(o, "parcel", r->out->order.parcel);
    js_set(o, "data", js_ref((struct js *)r->data));
    if (r->metadata)
        js_set(o, "metadata", js_ref((struct js *)r->metadata));
    js_write(o, JS_COMPACT, &text);
    return arena_str(r->a, buf_str(&text));
}

bool private_read(struct str json, struct private_part *out, struct err *e)
{
    struct js *root;

    if (!js_parse_ours(json, &root, e)) {
        if (e->code != ERR_FULL)
            e->code = ERR_CORRUPT; /* we wrote it */
        return err_prefix(e, "private part of a message");
    }
    *out = (struct private_part){
        .to_name = js_get_text(root, "to_name"),
        .reply_to = js_get_text(root, "reply_to"),
        .order = js_get_text(root, "order"),
        .parcel = js_get_text(root, "parcel"),
        .data = js_get(root, "data"),
        .metadata = js_get(root, "metadata"),
        .root = root,
    };
    return true;
}

void private_close(struct private_part *p)
{
    js_close(&p->root);
    *p = (struct private_part){0};
}
