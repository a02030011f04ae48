#include "base/file.h"
#include "base/sum.h"

#include "expect.h"
#include "folder.h"

#include <fcntl.h>

static struct folder folder;

static int open_folder(void **state)
{
    (void)state;
    return folder_open(&folder);
}

static void reading_stops_at_the_limit_and_names_it(void **state)
{
    static const struct {
        const char *name;
        size_t bytes, max;
        bool fits;
    } table[] = {
        {"empty", 0, 10, true},
        {"below", 9, 10, true},
        {"exactly", 10, 10, true},
        {"one above", 11, 10, false},
        {"far above", 100000, 10, false},
        {"large", 300000, 300000, true},
        {"nothing may be there", 1, 0, false},
    };
    AUTO(buf_close) struct buf path = {0}, text = {0};
    (void)state;

    EACH(row, table)
    {
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        buf_clear(&text);
        for (size_t i = 0; i < row->bytes; i++)
            buf_add_char(&text, (char)('a' + i % 26));
        folder_write(folder_file(&folder, "f", &path), buf_str(&text), 0600);
        buf_add_text(&out, "before ");
        expect(row->name, file_read("plan", path.p, row->max, &out, &e) == row->fits, "the limit");
        expect_int(row->name, (int64_t)out.n, 7 + (row->fits ? (int64_t)row->bytes : 0));
        if (row->fits) {
            expect_str(row->name, str_slice(buf_str(&out), 7, out.n), buf_str(&text));
            continue;
        }
        expect_int(row->name, e.code, ERR_LIMIT);
        expect_in(row->name, str_of(e.text), "plan ");
        expect_in(row->name, str_of(e.text), "is larger than");
    }
}

static void the_sum_of_a_file_is_that_of_its_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 200000};
    AUTO(buf_close) struct buf path = {0}, text = {0};
    struct digest whole, sum;
    struct err e = {0};
    uint64_t bytes;
    (void)state;

    EACH(size, sizes)
    {
        buf_clear(&text);
        for (size_t i = 0; i < *size; i++)
            buf_add_char(&text, (char)('a' + i % 26));
        folder_write(folder_file(&folder, "f", &path), buf_str(&text), 0600);
        hash_sha256(buf_str(&text), &whole);
        assert_true(sum_file("plan", path.p, &sum, &bytes, &e));
        expect_int("size", (int64_t)bytes, (int64_t)*size);
        assert_true(digest_equal(&sum, &whole));
    }
    assert_false(sum_file("plan", "/nonexistent/f", &sum, &bytes, &e));
    expect_int("absent", e.code, ERR_MISSING);
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
    AUTO(buf_close) struct buf out = {0}, path = {0};
    struct err e = {0};
    (void)state;

    assert_false(file_read("plan", folder_file(&folder, "absent", &path), 10, &out, &e));
    expect_int("absent", e.code, ERR_MISSING);
    assert_false(file_read("plan", folder.path, 10, &out, &e));
    expect_int("a folder", e.code, ERR_IO);
    assert_false(file_read("plan", "/dev/null/x", 10, &out, &e));
    expect_int("below a file", e.code, ERR_IO);
}

static void a_pipe_without_a_writer_is_empty_instead_of_a_wait(void **state)
{
    AUTO(buf_close) struct buf out = {0}, path = {0};
    struct err e = {0};
    (void)state;

    assert_int_equal(mkfifo(folder_file(&folder, "pipe", &path), 0600), 0);
    assert_true(file_read("plan", path.p, 10, &out, &e));
    assert_int_equal(out.n, 0);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    AUTO(buf_close) struct buf out = {0}, long_text = {0};
    struct err e = {0};
    int ends[2];
    (void)state;

    for (int i = 0; i < 5000; i++)
        buf_add_text(&long_text, "0123456789");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], long_text.p, long_text.n), (ssize_t)long_text.n);
    close(ends[1]);
    assert_true(file_read_open(ends[0], "plan", "-", 1 << 20, &out, &e));
    expect_str("piped", buf_str(&out), buf_str(&long_text));
    close(ends[0]);
}

static void a_new_file_is_private_whole_and_never_replaces_one(void **state)
{
    AUTO(buf_close) struct buf out = {0}, path = {0};
    struct err e = {0};
    struct stat st;
    (void)state;

    folder_file(&folder, "new", &path);
    assert_true(file_create("key", path.p, STR("first"), &e));
    assert_int_equal(stat(path.p, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_false(file_create("key", path.p, STR("second"), &e));
    expect_int("again", e.code, ERR_CONFLICT);
    folder_read(path.p, &out);
    expect_str("kept", buf_str(&out), STR("first"));
    assert_false(file_create("key", "/nonexistent/key", STR("x"), &e));
    expect_int("no folder", e.code, ERR_IO);
}

/* The draft under another name must not stay behind, above all not with a secret in it. */
static void no_draft_stays_behind(void **state)
{
    AUTO(buf_close) struct buf command = {0}, path = {0};
    struct err e = {0};
    (void)state;

    folder_file(&folder, "draft", &path);
    assert_true(file_create("key", path.p, STR("x"), &e));
    assert_false(file_create("key", path.p, STR("x"), &e));
    buf_addf(&command, "test \"$(ls %s/draft* | wc -l)\" = 1", folder.path);
    assert_int_equal(system(buf_text(&command)), 0);
}

static int remove_folder(void **state)
{
    AUTO(buf_close) struct buf command = {0};
    (void)state;

    buf_addf(&command, "rm -rf %s", folder.path);
    return system(buf_text(&command));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_stops_at_the_limit_and_names_it),
        cmocka_unit_test(the_sum_of_a_file_is_that_of_its_bytes),
        cmocka_unit_test(a_file_that_cannot_be_read_says_why),
        cmocka_unit_test(a_pipe_without_a_writer_is_empty_instead_of_a_wait),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(a_new_file_is_private_whole_and_never_replaces_one),
        cmocka_unit_test(no_draft_stays_behind),
    };

    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
