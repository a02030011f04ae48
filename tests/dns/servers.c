#include "tests/dns/servers.h"

#include "base/buf.h"
#include "tests/dns/fake_server.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TRIES 5   /* the port that was free may be taken in between */
#define READY_TRIES 400 /* at 25 to 50 ms */
#define PORT_AT 10      /* in "127.0.0.1:5300" */

bool server_is_missing(const char *program, const char *package)
{
    if (access(program, X_OK) == 0)
        return false;
    if (getenv("CI"))
        fail_msg("%s is missing: apt-get install %s", program, package);
    print_message("%s is missing, so nothing was tested: apt-get install %s\n", program, package);
    return true;
}

static void place(struct dns_server *s)
{
    *s = (struct dns_server){0};
    scratch_folder("server", s->folder);
    dead_port(s->address);
    memcpy(s->address_at, s->address, sizeof s->address);
    s->address_at[PORT_AT - 1] = '@';
    snprintf(s->log, sizeof s->log, "%s/log", s->folder);
}

static void write_settings(const struct dns_server *s, struct str text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/conf", s->folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static void spawn(struct dns_server *s, const char *program)
{
    char path[96];
    snprintf(path, sizeof path, "%s/conf", s->folder);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid > 0)
        return;
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test does not come to server_stop */
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl(program, program, "-d", "-c", path, (char *)NULL);
    _exit(127);
}

/* Asks for version.bind, which both know by themselves, until anything comes back. */
static bool answers(struct dns_server *s)
{
    static const char question[] = "\0\1\0\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3";
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(s->address + PORT_AT)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool came = false;
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    for (int i = 0; i < READY_TRIES && !came && s->pid > 0; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char in[512];
        send(fd, question, sizeof question - 1, 0);
        came = poll(&p, 1, 25) > 0 && recv(fd, in, sizeof in, 0) > 0;
        if (!came)
            poll(NULL, 0, 25); /* refused: nobody listens yet */
        if (waitpid(s->pid, NULL, WNOHANG) != 0)
            s->pid = 0; /* it ended by itself */
    }
    close(fd);
    return came && s->pid > 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void server_end(struct dns_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

void server_stop(struct dns_server *s)
{
    server_end(s);
    nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void show_log(const struct dns_server *s)
{
    char line[512];
    FILE *f = fopen(s->log, "re");
    while (f && fgets(line, sizeof line, f))
        print_message("%s", line);
    if (f)
        fclose(f);
}

static void add_nsd(struct buf *b, const struct dns_server *s, const void *zones, size_t n)
{
    buf_addf(b,
        "server:\n ip-address: %s\n port: %s\n username: \"\"\n zonesdir: \"%s\"\n"
        " pidfile: \"\"\n xfrdfile: \"%s/state\"\n zonelistfile: \"%s/list\"\n xfrdir: \"%s\"\n"
        " database: \"\"\n server-count: 1\n rrl-ratelimit: 0\n"
        "remote-control:\n control-enable: no\n",
        s->address_at, s->address + PORT_AT, s->folder, s->folder, s->folder, s->folder);
    const struct nsd_zone *z = zones;
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "zone:\n name: \"%s\"\n zonefile: \"%s\"\n", z[i].name, z[i].path);
}

/* With sources on loopback alone the kernel lets nothing out of this machine. */
static void add_unbound(struct buf *b, const struct dns_server *s, const void *settings, size_t n)
{
    (void)n;
    buf_addf(b,
        "server:\n interface: %s\n outgoing-interface: 127.0.0.1\n do-ip6: no\n username: \"\"\n"
        " chroot: \"\"\n directory: \"%s\"\n pidfile: \"\"\n use-syslog: no\n num-threads: 1\n"
        " do-not-query-localhost: no\n module-config: \"validator iterator\"\n"
        "remote-control:\n control-enable: no\nserver:\n%s",
        s->address_at, s->folder, (const char *)settings);
}

static void start(struct dns_server *s, const char *program,
    void (*add)(struct buf *, const struct dns_server *, const void *, size_t), const void *what,
    size_t n)
{
    for (int i = 1;; i++) {
        struct buf settings = {0};
        place(s);
        add(&settings, s, what, n);
        write_settings(s, buf_str(&settings));
        buf_close(&settings);
        spawn(s, program);
        if (answers(s))
            return;
        if (i == START_TRIES) {
            show_log(s);
            fail_msg("%s does not answer", program);
        }
        server_stop(s);
    }
}

void nsd_start(struct dns_server *s, const struct nsd_zone *zones, size_t n)
{
    start(s, NSD_PROGRAM, add_nsd, zones, n);
}

void unbound_start(struct dns_server *s, const char *settings)
{
    start(s, UNBOUND_PROGRAM, add_unbound, settings, 1);
}
