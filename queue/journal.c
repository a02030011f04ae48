#include "queue/journal.h"

#include <inttypes.h>
#include <stdio.h>

void journal_genesis(const char *storefront, const char *node, struct digest *out)
{
    struct str parts[] = {STR("parcelpost journal"), str_of(storefront), str_of(node)};

    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

void journal_commit(
    struct str salt, const struct digest *person, struct str personal, struct digest *out)
{
    struct str parts[] = {salt, digest_str(person), personal};

    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

void journal_link(
    const struct digest *before, const struct digest *commitment, struct journal_row *row)
{
    char seq[24], at[24];

    snprintf(seq, sizeof seq, "%" PRId64, row->seq);
    snprintf(at, sizeof at, "%" PRId64, row->at_ms);
    struct str parts[] = {digest_str(before), str_of(row->storefront), str_of(row->node),
        str_of(seq), str_of(at), str_of(row->message_id), str_of(row->event), str_of(row->actor),
        row->facts, digest_str(commitment)};
    hash_sha256_parts(parts, COUNT_OF(parts), &row->hash);
}
