#include "base/keyring.h"

#include "base/encode.h"
#include "base/file.h"

#include <stdlib.h>
#include <sys/stat.h>

#define FILE_BYTES (256 * 1024) /* thousands of versions */
#define LINES_MAX 4096

struct key {
    enum key_use use;
    unsigned version;
    struct seal_key secret;
};

struct keyring {
    struct key *keys;
    size_t n, cap;
};

static const char *const use_names[KEY_USES] = {
    [KEY_MASTER] = "master",
    [KEY_PEPPER] = "pepper",
    [KEY_UNSUBSCRIBE] = "unsubscribe",
    [KEY_RETURN_PATH] = "return-path",
    [KEY_FEEDBACK] = "feedback",
};

const char *key_use_name(enum key_use use)
{
    return use < KEY_USES ? use_names[use] : "unknown";
}

static bool check_mode(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_system(e, "keyring %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "keyring %s is no regular file", path);
    if (st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO))
        return err_set(e, ERR_DENIED, "keyring %s has mode %04o; make it 0600, or 0640 for a group",
            path, (unsigned)st.st_mode & 07777);
    return true;
}

static bool read_file(const char *path, struct buf *out, struct err *e)
{
    AUTO(file_close) int fd = -1;

    return file_open("keyring", path, &fd, e) && check_mode(fd, path, e) &&
           file_read_open(fd, "keyring", path, FILE_BYTES, out, e);
}

static bool find_use(struct str name, enum key_use *out)
{
    for (size_t i = 0; i < KEY_USES; i++) {
        if (str_is(name, use_names[i])) {
            *out = (enum key_use)i;
            return true;
        }
    }
    return false;
}

static bool parse_secret(struct str hex, struct seal_key *out)
{
    AUTO(buf_wipe) struct buf bytes = {0};

    if (!decode_hex(&bytes, hex) || bytes.n != sizeof out->b)
        return false;
    memcpy(out->b, bytes.p, sizeof out->b);
    return true;
}

/* Says what is wrong with "USE VERSION HEX", never the line itself: it may hold a secret. NULL =
 * fine. */
static const char *parse_line(const struct keyring *k, struct str line, struct key *out)
{
    struct str use, version, rest = line;
    uint64_t number;

    if (!str_next(&rest, ' ', &use) || !find_use(use, &out->use))
        return "no known use (master, pepper, unsubscribe, return-path, feedback)";
    if (!str_next(&rest, ' ', &version) || !str_to_u64(version, &number) || number < 1 ||
        number > 1000000)
        return "the version must be a number from 1 to 1000000";
    out->version = (unsigned)number;
    if (keyring_version(k, out->use, out->version))
        return "this use and version stands there twice";
    if (!parse_secret(rest, &out->secret))
        return "the key must be 64 hex digits";
    return NULL;
}

static bool parse(struct keyring *k, const char *path, struct str text, struct err *e)
{
    struct str line;

    for (size_t number = 1; str_next(&text, '\n', &line); number++) {
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (k->n == k->cap)
            return err_set(e, ERR_LIMIT, "keyring %s holds more than %d keys", path, LINES_MAX);
        const char *wrong = parse_line(k, line, &k->keys[k->n]);
        if (wrong)
            return err_set(e, ERR_INPUT, "keyring %s:%zu: %s", path, number, wrong);
        k->n++;
    }
    for (size_t use = 0; use < KEY_USES; use++)
        if (keyring_latest(k, (enum key_use)use) == 0)
            return err_set(e, ERR_INPUT, "keyring %s has no key for %s", path, use_names[use]);
    return true;
}

bool keyring_open(const char *path, struct keyring **out, struct err *e)
{
    AUTO(buf_wipe) struct buf text = {0};
    AUTO(keyring_close) struct keyring *k = calloc(1, sizeof *k);

    if (!k || !(k->keys = calloc(LINES_MAX, sizeof *k->keys)))
        err_out_of_memory();
    k->cap = LINES_MAX;
    if (!read_file(path, &text, e) || !parse(k, path, buf_str(&text), e))
        return false;
    *out = k;
    k = NULL;
    return true;
}

void keyring_close(struct keyring **k)
{
    if (!*k)
        return;
    explicit_bzero((*k)->keys, (*k)->cap * sizeof *(*k)->keys);
    free((*k)->keys);
    free(*k);
    *k = NULL;
}

const struct seal_key *keyring_version(const struct keyring *k, enum key_use use, unsigned version)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->keys[i].use == use && k->keys[i].version == version)
            return &k->keys[i].secret;
    return NULL;
}

unsigned keyring_latest(const struct keyring *k, enum key_use use)
{
    unsigned latest = 0;

    for (size_t i = 0; i < k->n; i++)
        if (k->keys[i].use == use && k->keys[i].version > latest)
            latest = k->keys[i].version;
    return latest;
}

const struct seal_key *keyring_current(const struct keyring *k, enum key_use use, unsigned *version)
{
    unsigned latest = keyring_latest(k, use);

    if (version)
        *version = latest;
    return keyring_version(k, use, latest);
}

static void compose(struct buf *out)
{
    buf_room(out, 4096);
    buf_add_text(out,
        "# The secrets of one Parcelpost installation: USE VERSION HEX. Keep every line, back it\n"
        "# up apart from the data folder, and never show it.\n");
    for (size_t use = 0; use < KEY_USES; use++) {
        struct seal_key fresh;
        seal_key_new(&fresh);
        buf_addf(out, "%s 1 ", use_names[use]);
        encode_hex(out, str_bytes(fresh.b, sizeof fresh.b));
        buf_add_char(out, '\n');
        seal_key_wipe(&fresh);
    }
}

bool keyring_create(const char *path, struct err *e)
{
    AUTO(buf_wipe) struct buf text = {0};

    compose(&text);
    return file_create("keyring", path, buf_str(&text), e);
}
