/* public_ip -- may this address be somebody on the Internet? Not loopback, private, shared, link-local, multicast,
 * documentation, reserved and so on; an IPv6 address that carries an IPv4 one is judged by that one.
 * Bytes in network order. Pure, any thread.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), RFC 4291, RFC 6052. */
#ifndef BASE_PUBLIC_IP_H
#define BASE_PUBLIC_IP_H

#include "base/lang.h"

bool public_ipv4(const uint8_t b[4]);
bool public_ipv6(const uint8_t b[16]);
bool loopback_ipv4(const uint8_t b[4]);
bool loopback_ipv6(const uint8_t b[16]); /* ::1 and IPv4-mapped 127.0.0.0/8 */

#endif
