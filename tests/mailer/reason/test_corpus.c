/* The rules against replies of real servers, labelled by others, where that collection is at hand: a copy of it is no
 * part of this tree. Columns: reply, action, category. Every row has its price: a recipient called invalid who is not,
 * or an invalid one who is mailed again. */
#include "base/buf.h"
#include "mailer/reason/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILE_NAME "../shared/corpora/smtp-replies/zonemta_replies.tsv"

struct count {
    int rows, hard_wrongly, recipients, recipients_found, blocked, blocked_found;
};

static struct reason reason_of_line(struct str reply)
{
    uint64_t code = 0;

    assert_true(str_to_u64(str_slice(reply, 0, 3), &code));
    return reason_of_reply(AT_RCPT, (int)code, str_slice(reply, 4, reply.n));
}

static void count_row(struct count *n, struct str reply, struct str category)
{
    struct reason r = reason_of_line(reply);
    bool recipient = str_is(category, "recipient"), blacklist = str_is(category, "blacklist");
    bool ours = r.fault == FAULT_SENDER || r.fault == FAULT_CONTENT;

    n->rows++;
    n->hard_wrongly += r.hard && !recipient && !str_is(category, "network");
    n->recipients += recipient;
    n->recipients_found += recipient && r.hard;
    n->blocked += blacklist;
    n->blocked_found += blacklist && ours;
    if ((r.hard && !recipient) || (recipient && !r.hard) || (blacklist && !ours))
        print_message("%s (" STR_FMT "): " STR_FMT "\n", r.name, STR_ARG(category), STR_ARG(reply));
}

static void real_replies_are_read_as_their_labels_say(void **state)
{
    FILE *f = fopen(FILE_NAME, "r");
    struct count n = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    (void)state;
    if (!f) {
        print_message("skipped: there is no %s\n", FILE_NAME);
        skip();
    }
    (void)!getline(&line, &room, f); /* the heading */
    while ((length = getline(&line, &room, f)) > 0) {
        struct str rest = str_bytes(line, (size_t)length), reply, action, category;
        if (str_next(&rest, '\t', &reply) && str_next(&rest, '\t', &action) &&
            str_next(&rest, '\t', &category))
            count_row(&n, reply, category);
    }
    free(line);
    fclose(f);
    print_message("%d replies: %d of %d recipients, %d of %d blocks\n", n.rows, n.recipients_found,
        n.recipients, n.blocked_found, n.blocked);
    assert_true(n.rows > 100);
    assert_int_equal(n.hard_wrongly, 0);
    assert_true(n.recipients_found * 100 >= n.recipients * 75);
    assert_true(n.blocked_found * 100 >= n.blocked * 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_replies_are_read_as_their_labels_say)};

    return cmocka_run_group_tests_name("reason corpus", tests, NULL, NULL);
}
