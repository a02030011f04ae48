/* What ICU knows about locales: the third of format.h that formats nothing. */
#include <stdio.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/upluralrules.h>

#include "templates/format.h"

/* ---- languages ------------------------------------------------------------------------------- */

static void close_rules(UPluralRules **r)
{
    uplrules_close(*r);
}

static void close_words(UEnumeration **w)
{
    uenum_close(*w);
}

/* For a language that it has no data for ICU silently takes another. */
static bool has_language(const char *locale)
{
    char wanted[ULOC_LANG_CAPACITY], had[ULOC_LANG_CAPACITY];
    UErrorCode status = U_ZERO_ERROR;
    uloc_getLanguage(locale, wanted, sizeof wanted, &status);
    for (int32_t i = 0; i < uloc_countAvailable() && U_SUCCESS(status); i++) {
        uloc_getLanguage(uloc_getAvailable(i), had, sizeof had, &status);
        if (strcmp(wanted, had) == 0)
            return true;
    }
    return false;
}

bool format_plural_forms(const char *locale, struct buf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    AUTO(close_rules) UPluralRules *rules = uplrules_open(locale, &status);
    AUTO(close_words)
    UEnumeration *words = U_SUCCESS(status) ? uplrules_getKeywords(rules, &status) : NULL;
    const char *word;
    while (U_SUCCESS(status) && (word = uenum_next(words, NULL, &status))) {
        if (out->n > 0)
            buf_add_char(out, ' ');
        buf_add_text(out, word);
    }
    return U_SUCCESS(status) && has_language(locale);
}

bool format_reads_right_to_left(const char *locale)
{
    return uloc_isRightToLeft(locale);
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* BCP 47 to ICU's own form: "fr-CA" is fr_CA. */
static bool read_tag(const char *tag, char out[FORMAT_TAG_BYTES])
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t read = 0, n = uloc_forLanguageTag(tag, out, FORMAT_TAG_BYTES, &read, &status);
    return U_SUCCESS(status) && n > 0 && n < FORMAT_TAG_BYTES && (size_t)read == strlen(tag);
}

bool format_is_tag(const char *tag)
{
    char id[FORMAT_TAG_BYTES];
    return !strchr(tag, '_') && read_tag(tag, id);
}

static bool write_tag(const char *id, char out[FORMAT_TAG_BYTES])
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = uloc_toLanguageTag(id, out, FORMAT_TAG_BYTES, true, &status);
    return U_SUCCESS(status) && n < FORMAT_TAG_BYTES;
}

static bool write_full_tag(const char *id, char out[FORMAT_TAG_BYTES])
{
    char full[FORMAT_TAG_BYTES];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = uloc_addLikelySubtags(id, full, sizeof full, &status);
    return U_SUCCESS(status) && n < FORMAT_TAG_BYTES && write_tag(full, out);
}

bool format_full_tag(const char *tag, char out[FORMAT_TAG_BYTES])
{
    char id[FORMAT_TAG_BYTES];
    return read_tag(tag, id) && write_full_tag(id, out);
}

void format_locales(const char *language, format_see_locale *see, void *context)
{
    for (int32_t i = 0; i < uloc_countAvailable(); i++) {
        const char *id = uloc_getAvailable(i);
        char had[ULOC_LANG_CAPACITY], variant[8];
        char tag[FORMAT_TAG_BYTES], full[FORMAT_TAG_BYTES];
        UErrorCode status = U_ZERO_ERROR;
        uloc_getLanguage(id, had, sizeof had, &status);
        if (U_FAILURE(status) || strcmp(had, language) != 0 ||
            uloc_getVariant(id, variant, sizeof variant, &status) > 0)
            continue;
        if (write_tag(id, tag) && write_full_tag(id, full))
            see(context, tag, full);
    }
}

/* ---- characters ------------------------------------------------------------------------------ */

/* The ambiguous ones are narrow on all terminals but those set up for the old East Asian encodings. */
int format_columns(uint32_t code_point)
{
    UChar32 c = (UChar32)code_point;
    int32_t width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    switch (u_charType(c)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
        return 0;
    default:
        return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
    }
}
