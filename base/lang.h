/* lang -- the few compiler attributes that the house uses.
 * AUTO(x_close) on a local variable calls x_close(&variable) when its scope ends. */
#ifndef BASE_LANG_H
#define BASE_LANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTO(close) __attribute__((cleanup(close)))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
