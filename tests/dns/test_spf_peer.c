/* The cases of spf_cases.h put to pyspf, an evaluation that shares nothing with ours but this world's DNS: it must
 * come to the same result and explanation, unless the case says why it does not. */
#include "base/encode.h"
#include "dns/mx.h"
#include "dns/name.h"
#include "tests/dns/spf_cases.h"
#include "tests/dns/world.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3" /* Debian's, which sees Debian's modules */
#define SCRIPT "tests/dns/spf_peer.py"

extern char **environ;

struct peer {
    pid_t pid;
    FILE *to, *from;
    char line[4096];
};

static void run(const char *const *argv, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    assert_int_equal(
        posix_spawn(pid, PYTHON, &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
}

static void peer_start(struct peer *p)
{
    int to[2], from[2];
    assert_true(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    run((const char *const[]){PYTHON, SCRIPT, NULL}, to[0], from[1], &p->pid);
    close(to[0]);
    close(from[1]);
    p->to = fdopen(to[1], "w");
    p->from = fdopen(from[0], "r");
}

static void peer_stop(struct peer *p)
{
    int status;
    fclose(p->to);
    fclose(p->from);
    waitpid(p->pid, &status, 0);
    assert_int_equal(status, 0);
}

static bool module_is_there(void)
{
    pid_t pid;
    int status = 1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    run((const char *const[]){PYTHON, "-c", "import spf", NULL}, null, null, &pid);
    waitpid(pid, &status, 0);
    close(null);
    return status == 0;
}

static void write_record(struct world *w, FILE *to, enum dns_type type, const struct dns_record *r)
{
    struct ip ip = {.family = type == DNS_A ? 4 : 6};
    char text[IP_TEXT_SIZE];
    AUTO(buf_close) struct buf hex = {0};
    (void)w;
    switch (type) {
    case DNS_TXT:
        encode_hex(&hex, r->data);
        fprintf(to, "%s\n", buf_text(&hex));
        return;
    case DNS_MX:
        fprintf(to, "%d " STR_FMT "\n", r->number, STR_ARG(r->data));
        return;
    case DNS_A:
    case DNS_AAAA:
        memcpy(ip.b, r->data.p, r->data.n);
        ip_text(&ip, text);
        fprintf(to, "%s\n", text);
        return;
    default:
        fprintf(to, STR_FMT "\n", STR_ARG(r->data));
    }
}

/* What follows "ASK ": a type and a name. */
static void answer(struct world *w, struct peer *p, char *question)
{
    static const struct {
        const char *name;
        enum dns_type type;
    } types[] = {
        {"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"TXT", DNS_TXT}, {"PTR", DNS_PTR}};
    struct dns_answer a = {.status = DNS_BAD};
    enum dns_type type = DNS_A;
    char *bytes = strchr(question, ' '), name[NAME_SIZE] = "";
    *bytes++ = 0;
    (void)!name_from_bytes(str_of(bytes), name); /* what is none is answered as a failure */
    EACH(t, types)
    {
        if (strcmp(t->name, question) == 0) {
            type = t->type;
            resolver_ask(w->resolver, name, type, w->arena, &a);
        }
    }
    if (a.status != DNS_FOUND && a.status != DNS_NODATA && a.status != DNS_NXDOMAIN) {
        fprintf(p->to, "FAIL\n");
        return;
    }
    fprintf(p->to, "%zu\n", a.n);
    for (size_t i = 0; i < a.n; i++)
        write_record(w, p->to, type, &a.records[i]);
}

/* "RESULT EXPLANATION", as pyspf sees it. */
static const char *ask_peer(struct world *w, struct peer *p, const struct spf_case *c)
{
    fprintf(p->to, "CHECK %s\t%s\t%s\n", c->ip ? c->ip : HERE,
        c->mail_from ? c->mail_from : "a@shop.example", c->helo ? c->helo : "mx.example");
    for (;;) {
        fflush(p->to);
        if (!fgets(p->line, sizeof p->line, p->from))
            fail_msg("%s: pyspf died", c->name);
        p->line[strcspn(p->line, "\n")] = 0;
        if (strncmp(p->line, "ASK ", 4) != 0)
            break;
        answer(w, p, p->line + 4);
    }
    char *tab = strchr(p->line, '\t');
    *tab = ' ';
    return arena_printf(w->arena, "%s", p->line + strlen("RESULT "));
}

/* The same of a case's verdict, which has the mechanism and the counts in between. */
static const char *wanted(struct world *w, const char *want)
{
    struct str s = str_of(want), rest = s, result, mechanism, counts;
    str_next(&rest, ' ', &result);
    str_next(&rest, ' ', &mechanism);
    str_next(&rest, ' ', &counts);
    return arena_printf(w->arena, STR_FMT " " STR_FMT, STR_ARG(result), STR_ARG(rest));
}

static void pyspf_says_the_same(void **state)
{
    struct peer p;
    size_t wrong = 0;
    (void)state;
    if (!module_is_there()) {
        if (getenv("CI"))
            fail_msg("pyspf is missing: apt-get install python3-spf");
        print_message("pyspf is missing, so nothing was compared: apt-get install python3-spf\n");
        skip();
    }
    peer_start(&p);
    EACH(c, spf_cases)
    {
        struct world w;
        world_begin(&w);
        world_zone(&w, 0, arena_printf(w.arena, SPF_TOP "%s", c->zone));
        world_zone(&w, 1, spf_reverse_4);
        world_zone(&w, 2, spf_reverse_6);
        world_resolver(&w, NULL, 1000);
        const char *have = ask_peer(&w, &p, c), *want = wanted(&w, c->want);
        bool same = strcmp(have, want) == 0;
        if (same != (c->peer == NULL)) {
            print_error("%s:\n  pyspf \"%s\"\n  want  \"%s\"%s%s\n", c->name, have, want,
                c->peer ? ", although it " : "", c->peer ? c->peer : "");
            wrong++;
        }
        world_end(&w);
    }
    peer_stop(&p);
    expect_number("differences", (int64_t)wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pyspf_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
