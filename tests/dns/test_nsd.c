/* The same zone in NSD and as --zone: both must give the same answers, for a table of names and for some thousand
 * that are put together from the zone's labels. NSD runs on a free loopback port in a temporary folder. */
#include "tests/dns/fake_server.h"
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NSD "/usr/sbin/nsd"
#define READY_TRIES 200 /* at 25 ms */

extern char **environ;

struct nsd {
    char address[32];
    const char *conf, *log, *state, *list;
    pid_t pid;
};

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Runs in the foreground and as whoever runs the test; its folder is the world's. */
static void nsd_start(struct nsd *n, struct world *w)
{
    dead_port(n->address);
    const char *port = strchr(n->address, ':') + 1;
    n->conf = arena_printf(w->arena, "%s/nsd.conf", w->folder);
    n->log = arena_printf(w->arena, "%s/nsd.log", w->folder);
    n->state = arena_printf(w->arena, "%s/xfrd.state", w->folder);
    n->list = arena_printf(w->arena, "%s/zone.list", w->folder);
    write_file(
        n->conf, arena_printf(w->arena,
                     "server:\n ip-address: 127.0.0.1@%s\n port: %s\n username: \"\"\n zonesdir: "
                     "\"%s\"\n pidfile: \"\"\n"
                     " logfile: \"%s\"\n xfrdfile: \"%s\"\n zonelistfile: \"%s\"\n xfrdir: "
                     "\"%s\"\n database: \"\"\n"
                     " server-count: 1\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n"
                     "zone:\n name: \"shop.example\"\n zonefile: \"%s\"\n",
                     port, port, w->folder, n->log, n->state, n->list, w->folder, w->paths[0]));
    const char *const argv[] = {NSD, "-d", "-c", n->conf, NULL};
    assert_int_equal(
        posix_spawn(&n->pid, NSD, NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
}

static void nsd_stop(struct nsd *n)
{
    kill(n->pid, SIGTERM);
    waitpid(n->pid, NULL, 0);
    unlink(n->conf);
    unlink(n->log);
    unlink(n->state);
    unlink(n->list);
}

static void wait_until_ready(struct world *server)
{
    for (int i = 0; i < READY_TRIES; i++) {
        struct dns_answer a;
        resolver_ask(server->resolver, "shop.example", DNS_SOA, server->arena, &a);
        if (a.status == DNS_FOUND)
            return;
        poll(NULL, 0, 25);
    }
    fail_msg("NSD did not answer");
}

static const char *answer_and_ttl(struct world *w, const char *name, enum dns_type type)
{
    struct dns_answer a;
    resolver_ask(w->resolver, name, type, w->arena, &a);
    return arena_printf(w->arena, "%s ttl %u", world_describe(w, name, type, &a), a.ttl_s);
}

static void compare(struct world *file, struct world *server, const char *name, enum dns_type type)
{
    const char *want = answer_and_ttl(server, name, type);
    expect_text(arena_printf(file->arena, "%s type %d", name, (int)type),
        answer_and_ttl(file, name, type), want);
}

/* All names of one to three of the zone's labels, with types that it has and lacks. */
static void compare_many(struct world *file, struct world *server)
{
    static const char *const labels[] = {"www", "wild", "there", "ent", "x", "*", "deep", "b", "a",
        "alias", "inner", "stars", "mx1", "caa", "dangling", "nobody"};
    static const enum dns_type types[] = {DNS_A, DNS_TXT, DNS_MX, DNS_CNAME};
    size_t n = COUNT_OF(labels);
    for (size_t i = 0; i < n * n * n; i++) {
        const char *last = labels[i % n], *middle = labels[i / n % n], *first = labels[i / n / n];
        bool three = i % 3 == 0;
        const char *name = arena_printf(file->arena, "%s%s%s.%s.shop.example", three ? first : "",
            three ? "." : "", middle, last);
        compare(file, server, name, types[i % COUNT_OF(types)]);
    }
}

static void nsd_says_the_same(void **state)
{
    struct world file, server;
    struct nsd n;
    (void)state;
    if (access(NSD, X_OK) != 0) {
        if (getenv("CI"))
            fail_msg("NSD is missing: apt-get install nsd");
        print_message("NSD is missing, so nothing was compared: apt-get install nsd\n");
        skip();
    }
    world_begin(&file);
    world_begin(&server);
    world_zone(&file, 0, shop_zone);
    world_resolver(&file, NULL, 1000);
    nsd_start(&n, &file);
    world_resolver(&server, (const char *const[]){n.address, NULL}, 5000);
    wait_until_ready(&server);
    EACH(c, shop_cases)
    {
        compare(&file, &server, c->ask, c->type);
        expect_text(c->name, world_ask(&server, c->ask, c->type), c->want);
    }
    compare_many(&file, &server);
    nsd_stop(&n);
    world_end(&server);
    world_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nsd_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
