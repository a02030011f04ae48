/* sandbox -- a receiver to develop against: takes every mail, keeps it, and answers by the recipient's name.
 *
 *     recipient   answer
 *     bounce@     550 5.1.1 at RCPT: no such user
 *     full@       452 4.2.2 at RCPT: mailbox full
 *     defer@      451 4.7.1 at RCPT the first two times for this recipient, then taken
 *     slow@       taken, but the 250 after the dot comes only after slow_ms
 *     drop@       the first time for this recipient the connection is closed after the dot, without an answer; then
 *                 taken. It is the one case in which a sender cannot know, and must be seen to come to an end
 *     any other   taken
 *
 * "bounce+42@" is bounce@ too, but a recipient of its own. In a mail to several, one drop@ drops all, one slow@
 * slows all.
 * Shapes: folder/0001-NAME.eml holds the bytes exactly as received (DKIM signatures verify on them), NAME from the
 * first recipient's local part; it appears whole, by rename. folder/index.tsv has a line for each: number, time,
 * file, "tls" or "clear", reverse-path, recipients separated by commas. Numbers go on after a restart. What was
 * dropped was never answered 250 and is not kept.
 * Listens on loopback only. Mails stand there unsealed: for invented customers, not for real ones.
 * Errors: sandbox_open (address not loopback or in use, folder not writable). A mail that cannot be kept is answered
 * 451 4.3.0. */
#ifndef MAILER_SMTPD_SANDBOX_H
#define MAILER_SMTPD_SANDBOX_H

#include "base/err.h"

struct sandbox;

struct sandbox_setup {
    const char *address; /* NULL = 127.0.0.1 */
    int port;            /* 0 = any free one */
    const char *hostname;
    const char *certificate_file, *key_file; /* as in smtpd.h */
    const char *folder;                      /* made when it is missing (its parent is not) */
    int64_t slow_ms;                         /* 0 = 5,000 */
};

bool sandbox_open(const struct sandbox_setup *s, struct sandbox **out, struct err *e);
int sandbox_port(const struct sandbox *s);
uint64_t sandbox_kept(const struct sandbox *s); /* mails since it was opened */
void sandbox_close(struct sandbox **s);

#endif
