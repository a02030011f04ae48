#include "dns/suffix.h"

#include <libpsl.h>

/* Without a list built in, the two last labels are the better guess than none. */
static const char *registrable(const char *name)
{
    const psl_ctx_t *list = psl_builtin();
    return list ? psl_registrable_domain(list, name) : name_last_labels(name, 2);
}

bool suffix_registrable(const char *name, char out[NAME_SIZE])
{
    const char *found = name_labels(name) > 1 ? registrable(name) : NULL;
    return found && str_copy(str_of(found), out, NAME_SIZE);
}

bool suffix_is_hosted(const char *name)
{
    const psl_ctx_t *list = psl_builtin();
    const char *parent = name_parent(name);
    return list && parent[0] &&
           psl_is_public_suffix2(list, parent, PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE) == 1;
}
