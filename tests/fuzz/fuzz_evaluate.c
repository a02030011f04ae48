/* A whole DNS of a stranger's (small_world.h) under the evaluators: they end, within their limits, with results that fit
 * together. Links: dns, base. */

#include "dns/bimi.h"
#include "dns/dane.h"
#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/mta_sts.h"
#include "dns/name.h"
#include "dns/spf.h"
#include "dns/tls_rpt.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/small_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *check_spf(struct small_world *w, const char *ip, const char *mail_from)
{
    struct spf_verdict v;
    struct spf_question q = {
        .helo = STR("mx.shop.example"), .mail_from = str_of(mail_from), .clock = &w->clock};
    must(ip_parse(str_of(ip), &q.ip));
    spf_check(w->resolver, &q, w->arena, &v);
    bool said = v.result == SPF_PASS || v.result == SPF_FAIL || v.result == SPF_SOFTFAIL ||
                v.result == SPF_NEUTRAL;
    must(v.lookups <= 11 && v.void_lookups <= 3);
    must(said == (v.problem[0] == 0) && said == (v.mechanism[0] != 0));
    must(!v.explanation[0] || v.result == SPF_FAIL);
    must(v.result != SPF_TEMPERROR || v.ttl_s == 0);
    for (size_t i = 0; i < v.path_n; i++)
        must(str_is_ascii(str_of(v.path[i])) && !str_has_control(str_of(v.path[i])));
    return spf_result_name(v.result);
}

static void check_dmarc(
    struct small_world *w, const char *from, const char *spf_domain, const char *spf)
{
    struct dmarc_verdict v;
    struct dmarc_identity ids[] = {{spf_domain, spf}, {"x.shop.example", "pass"}};
    dmarc_check(w->resolver, from, &ids[0], &ids[1], 1, w->arena, &v);
    must(v.queries_n <= 8 && (v.why.text[0] != 0));
    must(v.result != DMARC_PASS || v.spf_aligned || v.dkim_aligned);
    must(v.result != DMARC_FAIL || (!v.spf_aligned && !v.dkim_aligned));
    must(v.effective_policy <= v.policy);
    must(name_is_at_or_below(from, v.org_domain));
}

static void check_records(struct small_world *w)
{
    struct dkim_record key;
    struct mta_sts_record sts;
    struct tls_rpt_record report;
    struct bimi_record logo;
    struct dane dane;
    dkim_record_find(w->resolver, "shop.example", "s1", w->arena, &key);
    must((key.status == DKIM_RECORD_GOOD) == (key.why.text[0] == 0));
    mta_sts_find(w->resolver, "shop.example", w->arena, &sts);
    must((sts.status == MTA_STS_GOOD) == (sts.why.text[0] == 0));
    tls_rpt_find(w->resolver, "shop.example", w->arena, &report);
    must((report.status == TLS_RPT_GOOD) == (report.why.text[0] == 0));
    bimi_find(w->resolver, "shop.example", "default", w->arena, &logo);
    must((logo.status == BIMI_GOOD) == (logo.why.text[0] == 0));
    dane_find(w->resolver, "mx.shop.example", w->arena, &dane);
    must(dane.status != DANE_USABLE && dane.n <= DANE_MAX_RECORDS); /* a file proves nothing */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct small_world w;
    small_world_open(&w, str_bytes(data, size));
    const char *spf = check_spf(&w, "198.51.100.7", "news@shop.example");
    check_spf(&w, "2001:db8::7", "odd..box@bounce.shop.example");
    check_dmarc(&w, "shop.example", "shop.example", spf);
    check_dmarc(&w, "d.c.b.a.shop.example", "bounce.shop.example", spf);
    check_records(&w);
    small_world_close(&w);
    return 0;
}
