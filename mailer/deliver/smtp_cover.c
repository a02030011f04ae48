#include "mailer/deliver/smtp_inside.h"

#include <stdio.h>

void smtp_cover_load(void)
{
    static const char *const names[] = {"PLAIN", "LOGIN"};
    auth_context_t c;

    auth_client_init();
    c = auth_create_context();
    if (!c)
        return;
    auth_set_mechanism_flags(c, AUTH_PLUGIN_PLAIN, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        auth_set_mechanism(c, names[i]);
    auth_destroy_context(c);
}

static int give_credentials(auth_client_request_t request, char **result, int fields, void *arg)
{
    const struct smtp_call *call = arg;

    for (int i = 0; i < fields; i++) {
        const char *asked = ""; /* a realm or domain: never NULL, mechanisms measure it */

        if (request[i].flags & AUTH_PASS)
            asked = call->password;
        else if (request[i].flags & AUTH_USER)
            asked = call->user;
        result[i] = (char *)(uintptr_t)asked;
    }
    return 1;
}

void smtp_cover_set(struct session *s, SSL_CTX *tls)
{
    const struct smtp_call *call = s->call;

    if (call->tls == SMTP_TLS_OFF && *call->user == 0) {
        smtp_starttls_enable(s->lib, Starttls_DISABLED);
        snprintf(s->out->cover.doubt, sizeof s->out->cover.doubt, "%s", call->why_off);
        return;
    }
    smtp_starttls_set_ctx(s->lib, tls);
    bool only_if_offered = call->tls == SMTP_TLS_OFFERED && *call->user == 0;
    smtp_starttls_enable(s->lib, only_if_offered ? Starttls_ENABLED : Starttls_REQUIRED);
    if (*call->user == 0)
        return;
    s->auth = auth_create_context();
    if (!s->auth)
        err_out_of_memory();
    auth_set_mechanism_flags(s->auth, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(s->auth, give_credentials, (void *)(uintptr_t)call);
    smtp_auth_set_context(s->lib, s->auth);
}

static void doubt(struct session *s, const char *format, const char *what)
{
    struct smtp_cover *c = &s->out->cover;

    c->verified = false;
    if (c->doubt[0] == 0)
        snprintf(c->doubt, sizeof c->doubt, format, what);
}

/* The certificate does not prove the host's name: taken where the hop only asks for cover, never with a password. */
static int accept_doubt(struct session *s)
{
    if (s->call->tls != SMTP_TLS_VERIFIED && *s->call->user == 0)
        return 1;
    s->trouble = s->out->cover.doubt;
    return 0;
}

void smtp_cover_doubt(struct session *s, int event, va_list args)
{
    int *accept;

    switch (event) {
    case SMTP_EV_INVALID_PEER_CERTIFICATE: {
        long why = va_arg(args, long);
        accept = va_arg(args, int *);
        doubt(s, "the certificate does not verify: %s", X509_verify_cert_error_string(why));
        break;
    }
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
        accept = va_arg(args, int *);
        doubt(s, "the certificate is for another name: %s", va_arg(args, char *));
        break;
    case SMTP_EV_WEAK_CIPHER:
        (void)va_arg(args, int);
        accept = va_arg(args, int *);
        doubt(s, "%s", "the cipher is weak");
        break;
    default: /* SMTP_EV_NO_PEER_CERTIFICATE */
        accept = va_arg(args, int *);
        doubt(s, "%s", "the server has no certificate");
    }
    *accept = accept_doubt(s);
}

void smtp_cover_on(struct session *s, const SSL *ssl)
{
    s->out->cover.tls = true;
    s->out->cover.verified = s->out->cover.doubt[0] == 0;
    snprintf(s->out->cover.version, sizeof s->out->cover.version, "%s", SSL_get_version(ssl));
}
