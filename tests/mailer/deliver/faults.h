/* faults -- an SMTP server that does one thing wrong at one stage of its first connections, and is polite on later ones. */
#ifndef TESTS_MAILER_DELIVER_FAULTS_H
#define TESTS_MAILER_DELIVER_FAULTS_H

#include "tests/support/peer.h"

/* Where the server's next word is due. */
enum stage {
    BANNER,
    EHLO,
    STARTTLS,
    HANDSHAKE,
    EHLO_AGAIN, /* under TLS */
    AUTH,
    MAIL,
    RCPT,
    DATA,
    BODY, /* amid it */
    DOT,
    QUIT,
    STAGES
};

enum deed {
    STALLS,   /* says nothing more */
    DRIPS,    /* a reply that never ends, a byte at a time */
    RESETS,   /* the connection, by RST */
    CLOSES,   /* the connection */
    BABBLES,  /* bytes that are no reply, and reads on */
    FLOODS,   /* 4 MB of reply, the right one at its end */
    DRIBBLES, /* the right reply, each byte in a segment of its own */
    PARTS,    /* says 421 in one segment with the right reply, or amid the body, and goes on */
    HURRIES,  /* the right reply and the next one in one segment, and goes on */
    DEEDS
};

extern const char *const stage_names[STAGES];
extern const char *const deed_names[DEEDS];

struct misdeed {
    enum stage stage;
    enum deed deed;
    bool tls, auth; /* whether it offers them: without, it does not come to their stages */
    size_t times;   /* connections that are played so */
    void (*waits)(void *context); /* called when nothing more will come; NULL = not */
    void *context;
};

peer_script play_fault; /* its context: a struct misdeed */

#endif
