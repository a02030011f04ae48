#include "mailer/smtpd/sandbox.h"

#include "base/clock.h"
#include "mailer/smtpd/smtpd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMEMBERED 1024 /* recipients of defer@ and drop@; beyond that all are forgotten */
#define NAME_MAX_CHARS 40

struct times {
    uint64_t recipient; /* hash; 0 = free */
    unsigned seen;
};

struct sandbox {
    struct smtpd *server;
    char *folder;
    int folder_fd;
    FILE *index;
    uint64_t number; /* of the last mail */
    int64_t slow_ms;
    struct times times[REMEMBERED * 2]; /* open addressing */
    size_t remembered;
    _Atomic uint64_t kept;
};

/* ---- how often things have happened ---------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* FNV-1a without regard to case; never 0. */
static uint64_t hash_of(struct str s)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)lower(s.p[i])) * 1099511628211u;
    return h | 1;
}

/* How often this recipient was here before, this time not counted. */
static unsigned count(struct sandbox *s, struct str recipient)
{
    uint64_t h = hash_of(recipient);
    size_t at = (size_t)(h % COUNT_OF(s->times));

    if (s->remembered >= REMEMBERED) {
        memset(s->times, 0, sizeof s->times);
        s->remembered = 0;
    }
    while (s->times[at].recipient != 0 && s->times[at].recipient != h)
        at = (at + 1) % COUNT_OF(s->times);
    s->remembered += s->times[at].recipient == 0;
    s->times[at].recipient = h;
    return s->times[at].seen++;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static struct str local_part(struct str address)
{
    return str_slice(address, 0, str_find_char(address, '@', 0));
}

/* "anna.schmidt", fit for a file name anywhere. */
static void add_name(struct buf *out, struct str local)
{
    struct str s = str_slice(local, 0, NAME_MAX_CHARS);

    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '.' && i > 0);
        buf_add_char(out, fine ? c : '-');
    }
}

static bool write_whole(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static bool write_file(const struct sandbox *s, const char *name, struct str bytes)
{
    static const char part[] = ".incoming";
    int fd =
        openat(s->folder_fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return false;
    bool written = write_whole(fd, bytes);
    written = close(fd) == 0 && written;
    return written && renameat(s->folder_fd, part, s->folder_fd, name) == 0;
}

static void add_to_index(struct sandbox *s, const char *name, const struct smtpd_envelope *v)
{
    char when[CLOCK_RFC3339_SIZE];

    clock_rfc3339(clock_now_ms(clock_system()), when);
    fprintf(s->index, "%llu\t%s\t%s\t%s\t" STR_FMT "\t", (unsigned long long)s->number, when, name,
        v->tls ? "tls" : "clear", STR_ARG(v->mail_from));
    for (size_t i = 0; i < v->rcpt_n; i++)
        fprintf(s->index, "%s" STR_FMT, i > 0 ? "," : "", STR_ARG(v->rcpt_to[i]));
    fputc('\n', s->index);
    fflush(s->index);
}

static bool keep(struct sandbox *s, const struct smtpd_envelope *v, struct str message)
{
    AUTO(buf_close) struct buf name = {0};

    buf_addf(&name, "%04llu-", (unsigned long long)s->number + 1);
    add_name(&name, local_part(v->rcpt_to[0]));
    buf_add_text(&name, ".eml");
    if (!write_file(s, buf_text(&name), message))
        return false;
    s->number++;
    s->kept++;
    add_to_index(s, buf_text(&name), v);
    return true;
}

/* ---- answering ------------------------------------------------------------------------------- */

static bool is_called(struct str recipient, const char *name)
{
    struct str local = local_part(recipient);

    return str_is_nocase(str_slice(local, 0, str_find_char(local, '+', 0)), name);
}

/* Many servers repeat the address, so that whoever keeps the text keeps something personal. */
static struct smtpd_reply no_such_user(struct str recipient)
{
    char text[128];
    snprintf(text, sizeof text, "5.1.1 <%.*s>: no such user here",
        (int)(recipient.n < 80 ? recipient.n : 80), recipient.p);
    return smtpd_reply(550, text);
}

static struct smtpd_reply answer_recipient(
    void *context, const struct smtpd_envelope *v, struct str recipient)
{
    (void)v;
    if (is_called(recipient, "bounce"))
        return no_such_user(recipient);
    if (is_called(recipient, "full"))
        return smtpd_reply(452, "4.2.2 Mailbox full");
    if (is_called(recipient, "defer") && count(context, recipient) < 2)
        return smtpd_reply(451, "4.7.1 Greylisted, try again later");
    return smtpd_reply(250, "2.1.5 Ok");
}

static bool shall_drop(struct sandbox *s, const struct smtpd_envelope *v)
{
    bool drop = false;

    for (size_t i = 0; i < v->rcpt_n; i++)
        if (is_called(v->rcpt_to[i], "drop") && count(s, v->rcpt_to[i]) == 0)
            drop = true;
    return drop;
}

static bool is_slow(const struct smtpd_envelope *v)
{
    for (size_t i = 0; i < v->rcpt_n; i++)
        if (is_called(v->rcpt_to[i], "slow"))
            return true;
    return false;
}

static struct smtpd_reply answer_message(
    void *context, const struct smtpd_envelope *v, struct str message)
{
    struct sandbox *s = context;

    if (shall_drop(s, v))
        return smtpd_reply(SMTPD_CLOSE, "");
    if (!keep(s, v, message))
        return smtpd_reply(451, "4.3.0 Could not keep the mail");
    struct smtpd_reply r = smtpd_reply(250, "2.0.0 Kept");
    r.delay_ms = is_slow(v) ? s->slow_ms : 0;
    return r;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return str_starts(str_of(address), STR("127.")) || strcmp(address, "::1") == 0;
}

static uint64_t leading_number(const char *name)
{
    uint64_t n = 0;
    struct str s = str_of(name);

    if (str_ends(s, STR(".eml")) && str_to_u64(str_slice(s, 0, str_find_char(s, '-', 0)), &n))
        return n;
    return 0;
}

/* A sandbox that is started again does not write over what is there. */
static bool find_last_number(struct sandbox *s, struct err *e)
{
    DIR *d = opendir(s->folder);
    const struct dirent *entry;

    if (!d)
        return err_system(e, "sandbox folder %s", s->folder);
    while ((entry = readdir(d)) != NULL) {
        uint64_t n = leading_number(entry->d_name);
        s->number = n > s->number ? n : s->number;
    }
    closedir(d);
    return true;
}

static bool open_folder(struct sandbox *s, struct err *e)
{
    if (mkdir(s->folder, 0700) != 0 && errno != EEXIST)
        return err_system(e, "sandbox folder %s", s->folder);
    s->folder_fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder_fd < 0)
        return err_system(e, "sandbox folder %s", s->folder);
    int fd = openat(s->folder_fd, "index.tsv", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    s->index = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (!s->index) {
        err_system(e, "%s/index.tsv", s->folder);
        if (fd >= 0)
            close(fd);
        return false;
    }
    return find_last_number(s, e);
}

static bool start(
    struct sandbox *s, const struct sandbox_setup *setup, const char *address, struct err *e)
{
    struct smtpd_setup server = {
        .address = address,
        .port = setup->port,
        .hostname = setup->hostname,
        .certificate_file = setup->certificate_file,
        .key_file = setup->key_file,
        .keep_bodies = true,
        .handler = {.context = s, .rcpt = answer_recipient, .body = answer_message},
    };

    return smtpd_open(&server, &s->server, e);
}

bool sandbox_open(const struct sandbox_setup *setup, struct sandbox **out, struct err *e)
{
    const char *address = setup->address && setup->address[0] ? setup->address : "127.0.0.1";

    if (!is_loopback(address))
        return err_set(e, ERR_INPUT, "the sandbox listens on loopback only, not on %s", address);
    struct sandbox *s = calloc(1, sizeof *s);
    if (!s)
        err_out_of_memory();
    s->folder_fd = -1;
    s->slow_ms = setup->slow_ms > 0 ? setup->slow_ms : 5000;
    s->folder = strdup(setup->folder);
    if (!s->folder)
        err_out_of_memory();
    if (!open_folder(s, e) || !start(s, setup, address, e)) {
        sandbox_close(&s);
        return false;
    }
    *out = s;
    return true;
}

void sandbox_close(struct sandbox **s)
{
    if (!*s)
        return;
    struct sandbox *it = *s;
    smtpd_close(&it->server);
    if (it->index)
        fclose(it->index);
    if (it->folder_fd >= 0)
        close(it->folder_fd);
    free(it->folder);
    free(it);
    *s = NULL;
}

int sandbox_port(const struct sandbox *s)
{
    return smtpd_port(s->server);
}

uint64_t sandbox_kept(const struct sandbox *s)
{
    return s->kept;
}
