#include "dns/dnsbl.h"

#include "base/buf.h"

static const struct dnsbl_list usual[] = {
    {"zen.spamhaus.org", false, true, true, "", "",
        "https://www.spamhaus.org/blocklists/dnsbl-fair-use-policy/"},
    {"bl.spamcop.net", false, false, false, "", "", "https://www.spamcop.net/bl.shtml"},
    {"psbl.surriel.com", false, false, false, "", "", "https://psbl.org/"},
    {"dbl.spamhaus.org", true, false, true, "dbltest.com", "example.com",
        "https://www.spamhaus.org/blocklists/dnsbl-fair-use-policy/"},
};

size_t dnsbl_usual(const struct dnsbl_list **out)
{
    *out = usual;
    return COUNT_OF(usual);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* "7.100.51.198" or 32 nibbles (RFC 5782 s2.1, s2.4) */
static const char *reversed(const struct ip *ip, struct arena *a)
{
    if (ip->family == 4)
        return arena_printf(a, "%d.%d.%d.%d", ip->b[3], ip->b[2], ip->b[1], ip->b[0]);
    AUTO(buf_close) struct buf name = {0};
    for (size_t i = sizeof ip->b; i > 0; i--)
        buf_addf(&name, "%x.%x%s", ip->b[i - 1] & 15, ip->b[i - 1] >> 4, i > 1 ? "." : "");
    return arena_text(a, buf_str(&name));
}

/* 127.0.0.N, of IPv6 lists ::ffff:127.0.0.N (RFC 5782 s5) */
static struct ip test_point(uint8_t family, uint8_t last)
{
    if (family == 4)
        return (struct ip){4, {127, 0, 0, last}};
    return (struct ip){6, {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = last}};
}

static bool is_refusal(const uint8_t *b)
{
    return (b[1] == 255 && b[2] == 255) || (b[1] == 0 && b[2] == 1 && b[3] == 255);
}

static bool failed(struct dnsbl_answer *out, const char *name, enum dns_status status)
{
    out->status = DNSBL_FAILED;
    out->failure = status;
    out->failed_name = name;
    return false;
}

static bool unusable(struct dnsbl_answer *out, struct said why)
{
    out->status = DNSBL_UNUSABLE;
    out->why = why;
    return false;
}

/* Takes the answer's first address into *out. False: it says nothing about the subject. */
static bool take(struct resolver *r, const struct dnsbl_list *l, const char *subject,
    struct arena *a, struct dnsbl_answer *out)
{
    struct dns_answer answer;
    char text[IP_TEXT_SIZE];
    struct ip code = {.family = 4};
    out->question = arena_printf(a, "%s.%s", subject, l->zone);
    resolver_ask(r, out->question, DNS_A, a, &answer);
    out->status = answer.status == DNS_FOUND ? DNSBL_LISTED : DNSBL_CLEAN;
    if (answer.status == DNS_NXDOMAIN || answer.status == DNS_NODATA)
        return true;
    if (answer.status != DNS_FOUND)
        return failed(out, out->question, answer.status);
    memcpy(code.b, answer.records[0].data.p, 4);
    ip_text(&code, text);
    out->code = arena_text(a, str_of(text));
    if (code.b[0] != 127)
        return unusable(out,
            SAY(a, "dnsbl.no_list", "{{list}} answers {{code}}, which no list does: it is gone",
                {"list", l->zone}, {"code", out->code}));
    if (is_refusal(code.b))
        return unusable(out,
            SAY(a, "dnsbl.refuses",
                "{{list}} refuses this resolver ({{code}}): ask one of your own, with --resolver",
                {"list", l->zone}, {"code", out->code}));
    return true;
}

/* ---- the list itself ------------------------------------------------------------------------- */

static bool is_sound(struct resolver *r, const struct dnsbl_list *l, const char *must,
    const char * not, struct arena *a, struct dnsbl_answer *out)
{
    if (!take(r, l, must, a, out))
        return false;
    if (out->status != DNSBL_LISTED)
        return unusable(
            out, SAY(a, "dnsbl.dead",
                     "{{list}} does not list its own test entry {{entry}}: it is dead, or does not "
                     "serve this resolver",
                     {"list", l->zone}, {"entry", must}));
    if (!take(r, l, not, a, out))
        return false;
    if (out->status == DNSBL_LISTED)
        return unusable(out,
            SAY(a, "dnsbl.lists_all", "{{list}} lists {{entry}}, which no list may: it lists all",
                {"list", l->zone}, {"entry", not }));
    return true;
}

static void ask(struct resolver *r, const struct dnsbl_list *l, const char *subject,
    const char *must, const char * not, struct arena *a, struct dnsbl_answer *out)
{
    struct dns_answer text;
    *out = (struct dnsbl_answer){
        .question = "", .code = "", .reason = "", .why = SAID_NOTHING, .failed_name = ""};
    if (!is_sound(r, l, must, not, a, out))
        return;
    out->code = "";
    if (!take(r, l, subject, a, out) || out->status != DNSBL_LISTED)
        return;
    resolver_ask(r, out->question, DNS_TXT, a, &text);
    if (text.status == DNS_FOUND)
        out->reason = arena_text(a, text.records[0].data);
}

void dnsbl_ask_address(struct resolver *r, const struct dnsbl_list *l, const struct ip *ip,
    struct arena *a, struct dnsbl_answer *out)
{
    struct ip must = test_point(ip->family, 2), not = test_point(ip->family, 1);
    ask(r, l, reversed(ip, a), reversed(&must, a), reversed(&not, a), a, out);
}

void dnsbl_ask_name(struct resolver *r, const struct dnsbl_list *l, const char *name,
    struct arena *a, struct dnsbl_answer *out)
{
    ask(r, l, name, l->must[0] ? l->must : "test", l->not [0] ? l->not : "invalid", a, out);
}
