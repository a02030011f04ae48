#include "tests/mailer/cli/program.h"

#include "mailer/cli/cli.h"
#include "tests/base/expect.h"

#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 32

struct buf program_out, program_err;

static size_t cut_words(char *line, char *words[WORDS_MAX])
{
    size_t n = 0;

    words[n++] = (char[]){"parcelpost"};
    while (*(line += strspn(line, " ")) && n < WORDS_MAX - 1) {
        const char *end = *line == '\'' ? "'" : " ";
        line += *line == '\'';
        words[n++] = line;
        line += strcspn(line, end);
        if (*line)
            *line++ = 0;
    }
    words[n] = NULL;
    return n;
}

/* The stream `fd` goes into a file until it is given back. */
struct diversion {
    int fd, kept;
    FILE *file;
};

static struct diversion divert(int fd)
{
    struct diversion d = {fd, dup(fd), tmpfile()};

    if (!d.file || d.kept < 0 || dup2(fileno(d.file), fd) < 0)
        abort();
    return d;
}

static void give_back(const struct diversion *d, struct buf *out)
{
    buf_clear(out);
    rewind(d->file);
    for (size_t n; (n = fread(buf_room(out, 4096), 1, 4096, d->file)) > 0;)
        out->n += n;
    buf_add(out, STR(""));
    dup2(d->kept, d->fd);
    close(d->kept);
    fclose(d->file);
}

int program_run(const char *line)
{
    char copy[1024], *words[WORDS_MAX];

    snprintf(copy, sizeof copy, "%s", line);
    size_t n = cut_words(copy, words);
    fflush(stdout);
    struct diversion out = divert(STDOUT_FILENO), err = divert(STDERR_FILENO);
    int code = cli_main((int)n, words);
    fflush(stdout);
    give_back(&out, &program_out);
    give_back(&err, &program_err);
    return code;
}

void program_close(void)
{
    buf_close(&program_out);
    buf_close(&program_err);
}

void expect_run(const struct run *r)
{
    int code = program_run(r->line);
    bool said = str_find(buf_str(&program_out), str_of(r->says), 0) < program_out.n ||
                str_find(buf_str(&program_err), str_of(r->says), 0) < program_err.n || !*r->says;

    if (code != r->code || !said)
        fail_msg("%s: '%s' gave %d, want %d and '%s'\n%s%s", r->name, r->line, code, r->code,
            r->says, buf_text(&program_out), buf_text(&program_err));
}
