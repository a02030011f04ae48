#include "mailer/http/auth.h"

#include "mailer/http/problem.h"

/* presented: as a Bearer token; another scheme, or none, is the same as no key. */
static bool refuse_unknown_key(struct exchange *x, bool presented)
{
    answer_header(x, "WWW-Authenticate",
        presented ? "Bearer realm=\"parcelpost\", error=\"invalid_token\""
                  : "Bearer realm=\"parcelpost\"");
    if (presented)
        problem(x, 401, "invalid-key",
            "this API key is unknown or revoked; `parcelpost key create` makes another");
    else
        problem(x, 401, "no-key", "send the API key as \"Authorization: Bearer pp_...\"");
    return false;
}

static bool refuse_role(struct exchange *x, unsigned roles)
{
    AUTO(buf_close) struct buf names = {0};

    for (size_t i = 0; i < KEY_ROLES; i++)
        if (roles & key_roles[i].role)
            buf_addf(&names, "%s%s", names.n > 0 ? " or " : "", key_roles[i].name);
    problem(x, 403, "role-missing", "this API key has not the role that is needed here: %s",
        buf_text(&names));
    return false;
}

bool auth_admit(struct exchange *x, unsigned roles)
{
    struct str value = exchange_header(x, "Authorization"), scheme = STR("Bearer ");
    struct err e;

    if (!str_starts_nocase(value, scheme))
        return refuse_unknown_key(x, false);
    struct str secret = str_trim(str_slice(value, scheme.n, value.n));
    if (!queue_key_find(x->app->queue, secret, x->arena, &x->key, &e)) {
        if (e.code == ERR_DENIED || e.code == ERR_MISSING || e.code == ERR_INPUT)
            return refuse_unknown_key(x, true);
        problem_of_err(x, &e);
        return false;
    }
    if (!snapshot_shop(x->snapshot, x->key.storefront)) {
        problem(x, 403, "storefront-missing",
            "the storefront of this API key is not in the settings any more");
        return false;
    }
    return (x->key.roles & roles) != 0 || refuse_role(x, roles);
}
