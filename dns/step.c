#include "dns/step.h"

void step_copy(const struct dns_step *from, struct arena *a, struct dns_step *out)
{
    struct dns_record *records = arena_array(a, from->n, sizeof *records);

    for (size_t i = 0; i < from->n; i++) {
        records[i].number = from->records[i].number;
        records[i].data = arena_str(a, from->records[i].data);
    }
    *out = *from;
    out->records = records;
    out->alias = from->alias[0] ? arena_text(a, str_of(from->alias)) : "";
}
