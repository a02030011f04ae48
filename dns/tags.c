#include "dns/tags.h"

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], folded = (char)(c | 0x20);
        bool letter = folded >= 'a' && folded <= 'z';
        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_')))
            return false;
    }
    return s.n > 0;
}

bool tag_next(struct str *rest, struct tag *out)
{
    struct str piece;
    while (str_next(rest, ';', &piece)) {
        piece = str_trim(piece);
        if (piece.n == 0)
            continue;
        size_t equals = str_find_char(piece, '=', 0);
        out->whole = piece;
        out->name = str_trim(str_slice(piece, 0, equals));
        out->value = str_trim(str_slice(piece, equals + 1, piece.n));
        out->well_formed = equals < piece.n && is_name(out->name);
        return true;
    }
    return false;
}

bool tag_list_has(struct str list, char separator, const char *word)
{
    struct str piece;
    while (str_next(&list, separator, &piece))
        if (str_is_nocase(str_trim(piece), word))
            return true;
    return false;
}
