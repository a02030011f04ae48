/* fuzz_json -- any bytes as JSON: the quick reader takes what jansson takes, and makes the same of it. Links: base. */
#include "base/json_inside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_bytes(data, size);
    AUTO(js_close) struct js *quick = json_read_quickly(text, JS_VALUES_MAX);
    AUTO(js_close) struct js *slow = NULL;
    AUTO(buf_close) struct buf one = {0};
    AUTO(buf_close) struct buf other = {0};
    struct err e;

    if (json_read_slowly(text, JS_VALUES_MAX, &slow, &e) != (quick != NULL))
        abort();
    if (!quick)
        return 0;
    js_write(quick, JS_COMPACT, &one);
    js_write(slow, JS_COMPACT, &other);
    if (!str_eq(buf_str(&one), buf_str(&other)))
        abort();
    return 0;
}
