/* smtp -- one connection to a mail server that carries any number of mails (libesmtp's only user).
 *
 * The caller has a first mail in hand and a feed. While the connection lasts, each mail that is decided goes to
 * feed.done, and feed.next puts the next one in hand; when there is none, or after max_messages, the connection
 * ends with QUIT. A mail is decided when the server answered its MAIL, or when its body had begun; one that is
 * still in hand at the end was not touched, and the caller may carry it elsewhere at once.
 *
 * Delivered means exactly: the library marks the recipient complete, recipient and message have a 2xx, and the last
 * reply began after the body's end. No other sign counts (docs/decisions/0051-unsure.md). unsure: the body went out and nobody said what became of it.
 *
 * A server that offers PIPELINING hears MAIL, RCPT and DATA in one go, until it shows that it does not mean it (pace.h,
 * docs/decisions/0103-commands-run-ahead.md). What counts as what is the same.
 *
 * TLS by policy of the hop: SMTP_TLS_OFFERED takes any certificate and notes whether it verifies;
 * SMTP_TLS_VERIFIED sends nothing to a server that cannot prove its name. Credentials go out under verified TLS
 * only, whatever the policy says, and MAIL only after they were taken. Addresses with control characters, brackets or 8-bit bytes never reach the
 * library, which would write them as they are.
 *
 * Ownership: everything given is borrowed until smtp_converse returns; a mail's bytes until its done.
 * Threads: smtp_shared by all; a conversation belongs to its thread, and callbacks run on it.
 * Errors: smtp_shared_open. What the server does is a result. Source: RFC 5321, 3207, 4954, 3030, 6152. */
#ifndef MAILER_DELIVER_SMTP_H
#define MAILER_DELIVER_SMTP_H

#include "mailer/deliver/dial.h"
#include "mailer/reason/reason.h"

struct smtp_shared;

/* ca_file "" = the system's roots. Ignores SIGPIPE for the process. */
bool smtp_shared_open(const char *ca_file, struct smtp_shared **out, struct err *e);
void smtp_shared_close(struct smtp_shared **s);

#define SMTP_TEXT_MAX 2048
#define SMTP_ADDRESS_MAX 320
#define SMTP_CREDENTIAL_MAX 255 /* longer ones overflow a buffer of libesmtp's PLAIN */

enum smtp_tls { SMTP_TLS_OFF, SMTP_TLS_OFFERED, SMTP_TLS_REQUIRED, SMTP_TLS_VERIFIED };

struct smtp_mail {
    struct str reverse_path, recipient; /* without brackets */
    struct str bytes;                   /* headers, empty line, body; lines end in CRLF */
    bool eight_bit;
    int64_t deadline_ns; /* clock_steady_ns */
};

/* How the connection is protected. */
struct smtp_cover {
    bool tls, verified;
    char version[16]; /* "TLSv1.3", "" without TLS */
    char doubt[120];  /* why it is not verified, "" when it is */
};

struct smtp_result {
    bool delivered, unsure;
    bool out_of_step;         /* replies are not those of their commands: none is believed */
    bool lacks_8bit;          /* the mail needs 8BITMIME, the server has none: nothing was sent */
    enum smtp_phase phase;    /* where it was decided */
    int code;                 /* 0 = no answer */
    const char *trouble;      /* why there is none, in words; "" when the server answered */
    char text[SMTP_TEXT_MAX]; /* the reply, its enhanced code first, lines joined by spaces */
};

struct smtp_feed {
    void *context;
    bool (*next)(void *context, struct smtp_mail *out);
    bool (*body_starts)(
        void *context); /* the next bytes may be the mail's body; false: they must not go */
    void (*done)(void *context, const struct smtp_result *r, const struct smtp_cover *cover);
};

struct smtp_call {
    struct dial *dial;
    struct watch *watch; /* the dial's */
    struct dial_to to;
    enum smtp_tls tls;
    const char *why_off;         /* with SMTP_TLS_OFF: the cover's doubt */
    const char *user, *password; /* user "" = no AUTH; given, TLS is verified */
    const char *hostname;        /* for EHLO */
    size_t max_messages;
    bool pipelining; /* as far as the server offers it and means it (pace.h) */
    const struct smtp_feed *feed;
};

struct smtp_report {
    size_t decided;       /* mails that went to feed.done */
    bool in_hand;         /* the last mail was not touched; `failure` says what happened */
    bool starttls_failed; /* offered, but no TLS came of it: the hop could be tried without */
    struct smtp_result failure;
    struct smtp_cover cover;
};

void smtp_converse(struct smtp_shared *s, const struct smtp_call *call,
    const struct smtp_mail *first, struct smtp_report *out);

#endif
