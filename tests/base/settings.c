#include "tests/base/settings.h"

struct folder settings_folder;

int settings_enter(void **state)
{
    (void)state;
    return folder_open(&settings_folder);
}

int settings_leave(void **state)
{
    (void)state;
    return rmdir(settings_folder.path);
}

bool settings_load(struct str text, struct faults *faults, const struct conf **out, struct err *e)
{
    AUTO(buf_close) struct buf path = {0};

    folder_file(&settings_folder, "parcelpost.conf", &path);
    folder_write(path.p, text, 0600);
    bool loaded = conf_load(path.p, faults, out, e);
    unlink(path.p);
    return loaded;
}

const struct conf *settings_right(const char *name, struct str text)
{
    const struct conf *c = NULL;
    struct err e = {0};

    if (!settings_load(text, NULL, &c, &e))
        fail_msg("%s: %s", name, e.text);
    return c;
}
