/* Key records by opendkim-testkey, over NSD: it says of each record whether it shows our private key, and so do we,
 * unless the case says why it differs. It asks through libunbound, which is pointed at NSD by its settings. */
#include "base/encode.h"
#include "dns/dkim_record.h"
#include "tests/dns/servers.h"
#include "tests/dns/world.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTKEY "/usr/sbin/opendkim-testkey"
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

extern char **environ;

/* "{ours}", "{other}": public keys; "{bare}": ours as RSAPublicKey. A text of several records has "|" between. */
static const struct {
    const char *selector, *records;
    bool holds;
    const char *peer; /* why it comes to the other end; NULL: the same */
} cases[] = {
    {"whole", "v=DKIM1; k=rsa; p={ours}", true, NULL},
    {"p-alone", "p={ours}", true, NULL},
    {"unknown-tags", "v=DKIM1; zz=1; p={ours}", true, NULL},
    {"final-semicolon", "v=DKIM1; p={ours};", true, NULL},
    {"testing", "v=DKIM1; t=y:s; p={ours}", true, NULL},
    {"for-mail", "v=DKIM1; s=email; p={ours}", true, NULL},
    {"with-sha256", "v=DKIM1; h=sha1:sha256; p={ours}", true, NULL},
    {"other-key", "v=DKIM1; p={other}", false, NULL},
    {"revoked", "v=DKIM1; p=", false, NULL},
    {"no-p", "v=DKIM1; k=rsa", false, NULL},
    {"damaged", "v=DKIM1; p=AAAA", false, NULL},
    {"no-base64", "v=DKIM1; p=!!!", false, NULL},
    {"other-version", "v=DKIM2; p={ours}", false, NULL},
    {"other-type", "v=DKIM1; k=dsa; p={ours}", false, NULL},
    {"other-text", "hello world", false, NULL},
    {"absent", "", false, NULL},
    {"ed25519", "v=DKIM1; k=ed25519; p=" ED25519, false, NULL},
    {"bare", "v=DKIM1; p={bare}", true, "compares the bytes, not the keys"},
    {"p-twice", "v=DKIM1; p={ours}; p={ours}", false, "lets the last of two tags count"},
    {"late-version", "k=rsa; v=DKIM1; p={ours}", false, "takes v= at any place"},
    {"two-keys", "v=DKIM1; p={ours}|v=DKIM1; p={other}", false, NULL},
};

struct texts {
    struct buf ours, other, bare; /* base64 */
    const char *pem;              /* path of the private key */
};

static EVP_PKEY *make_key(struct buf *spki)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    encode_base64(spki, str_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return key;
}

static void texts_open(struct texts *t, struct world *w, const char *folder)
{
    unsigned char *der = NULL;
    *t = (struct texts){.pem = arena_printf(w->arena, "%s/key.pem", folder)};
    EVP_PKEY_free(make_key(&t->other));
    EVP_PKEY *key = make_key(&t->ours);
    int n = i2d_PublicKey(key, &der);
    encode_base64(&t->bare, str_bytes(der, (size_t)n));
    OPENSSL_free(der);
    FILE *f = fopen(t->pem, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    EVP_PKEY_free(key);
}

static void texts_close(struct texts *t)
{
    buf_close(&t->ours);
    buf_close(&t->other);
    buf_close(&t->bare);
}

static void put(struct buf *text, struct str name, const struct buf *value)
{
    for (size_t at; (at = str_find(buf_str(text), name, 0)) < text->n;) {
        AUTO(buf_close) struct buf tail = {0};
        buf_add(&tail, str_slice(buf_str(text), at + name.n, text->n));
        buf_cut(text, at);
        buf_add(text, buf_str(value));
        buf_add(text, buf_str(&tail));
    }
}

static const char *zone_text(const struct texts *t, struct world *w)
{
    AUTO(buf_close) struct buf zone = {0};
    buf_add_text(&zone,
        "$ORIGIN shop.example.\n$TTL 60\n@ IN SOA ns host 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n");
    EACH(c, cases)
    {
        struct str rest = str_of(c->records), one;
        while (str_next(&rest, '|', &one)) {
            AUTO(buf_close) struct buf text = {0};
            buf_add(&text, one);
            put(&text, STR("{ours}"), &t->ours);
            put(&text, STR("{other}"), &t->other);
            put(&text, STR("{bare}"), &t->bare);
            buf_addf(&zone, "%s._domainkey TXT", c->selector);
            for (size_t i = 0; i < text.n; i += 200)
                buf_addf(&zone, " \"%.200s\"", text.p + i);
            buf_add_text(&zone, "\n");
        }
    }
    return arena_text(w->arena, buf_str(&zone));
}

static const char *write_settings(struct world *w, const struct dns_server *nsd)
{
    const char *unbound = arena_printf(w->arena, "%s/unbound.conf", nsd->folder);
    const char *opendkim = arena_printf(w->arena, "%s/opendkim.conf", nsd->folder);
    FILE *f = fopen(unbound, "w");
    fprintf(f,
        "server:\n do-not-query-localhost: no\n module-config: \"iterator\"\n"
        "stub-zone:\n name: \"shop.example\"\n stub-addr: %s\n",
        nsd->address_at);
    fclose(f);
    f = fopen(opendkim, "w");
    fprintf(f, "ResolverConfiguration %s\n", unbound);
    fclose(f);
    return opendkim;
}

static bool testkey_is_content(const char *settings, const char *selector, const char *pem)
{
    const char *const argv[] = {
        TESTKEY, "-x", settings, "-d", "shop.example", "-s", selector, "-k", pem, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    assert_int_equal(
        posix_spawn(&pid, TESTKEY, &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static bool we_are_content(struct world *w, const char *selector, const struct texts *t)
{
    struct dkim_record r;
    AUTO(buf_close) struct buf key = {0};
    dkim_record_find(w->resolver, "shop.example", selector, w->arena, &r);
    assert_true(decode_base64(&key, buf_str(&t->ours)));
    return dkim_record_holds(&r, buf_str(&key));
}

static void opendkim_testkey_says_the_same(void **state)
{
    struct world w;
    struct dns_server nsd;
    struct texts t;
    size_t wrong = 0;
    (void)state;
    if (server_is_missing(NSD_PROGRAM, "nsd") || server_is_missing(TESTKEY, "opendkim-tools"))
        skip();
    world_begin(&w);
    char folder[SCRATCH_SIZE];
    scratch_folder("testkey", folder);
    texts_open(&t, &w, folder);
    world_zone(&w, 0, zone_text(&t, &w));
    nsd_start(&nsd, &(struct nsd_zone){"shop.example", w.paths[0]}, 1);
    world_resolver(&w, (const char *const[]){nsd.address, NULL}, 5000);
    const char *settings = write_settings(&w, &nsd);
    EACH(c, cases)
    {
        bool ours = we_are_content(&w, c->selector, &t);
        bool theirs = testkey_is_content(settings, c->selector, t.pem);
        expect_number(c->selector, ours, c->holds);
        if ((ours == theirs) != (c->peer == NULL)) {
            print_error("%s: opendkim-testkey says %s%s%s\n", c->selector, theirs ? "yes" : "no",
                c->peer ? ", although it " : "", c->peer ? c->peer : "");
            wrong++;
        }
    }
    server_stop(&nsd);
    unlink(t.pem);
    rmdir(folder);
    texts_close(&t);
    world_end(&w);
    expect_number("differences", (int64_t)wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opendkim_testkey_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
