#include "base/conf_table.h"

#include "base/conf_check.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define PORT_MOST 65535

#define AT(owner, member, kind)                                                                    \
    .name = #member, .type = (kind), .at = offsetof(struct owner, member)
#define LIST_AT(owner, member, kind)                                                               \
    AT(owner, member, kind), .count_at = offsetof(struct owner, member##_n)
#define FIXED .fixed = true,
#define WITHIN(low, high) .least = (low), .most = (high)
#define TABLE(rows) .options = (rows), .options_n = COUNT_OF(rows)
#define INSIDE(rows) .sections = (rows), .sections_n = COUNT_OF(rows)

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const stream_classes[] = {
    [STREAM_TRANSACTIONAL] = "transactional", [STREAM_MARKETING] = "marketing", NULL};
static const char *const tls_policies[] = {[CONF_TLS_OFFERED] = "offered",
    [CONF_TLS_REQUIRED] = "required",
    [CONF_TLS_VERIFIED] = "verified",
    NULL};
static const char *const canonicalizations[] = {"relaxed/relaxed", "relaxed/simple", NULL};

static const struct conf_option installation[] = {
    {FIXED AT(conf, node, CONF_TEXT), .fallback = "main", .check = conf_check_node,
        .help = "name of this machine among those that share one queue"},
    {FIXED AT(conf, data_dir, CONF_PATH), .fallback = "/var/lib/parcelpost",
        .help = "folder of the queue and the wrapped keys"},
    {FIXED AT(conf, keyring_file, CONF_PATH), .fallback = "/etc/parcelpost/keyring",
        .help = "the installation's secrets; back it up apart from the data folder"},
    {AT(conf, templates_dir, CONF_PATH), .fallback = "/usr/share/parcelpost/templates",
        .help = "folder of the shipped mails/ and locales/"},
    {FIXED AT(conf, captured_dir, CONF_PATH), .fallback = "captured",
        .help = "where `serve --sandbox` keeps the mails that it takes, readable; never real "
                "customers' mails"},
    {AT(conf, log_level, CONF_CHOICE), .fallback = "info", .choices = log_levels,
        .help = "least level that is logged"},
    {FIXED AT(conf, tls_ca_file, CONF_PATH), .fallback = "", .otherwise = "the system's bundle",
        .help = "PEM file of the authorities that are trusted for TLS"},
    {FIXED AT(conf, listen_address, CONF_TEXT), .fallback = "127.0.0.1",
        .check = conf_check_address,
        .help =
            "address that the HTTP interface listens on; put a reverse proxy with TLS in front"},
    {FIXED AT(conf, listen_port, CONF_NUMBER), .fallback = "8025", WITHIN(0, PORT_MOST),
        .help = "its port; 0 takes any free one"},
    {AT(conf, public_url, CONF_TEXT), .fallback = "", .check = conf_check_public_url,
        .otherwise = "none; must be given once there is a storefront",
        .help = "what recipients reach, such as https://post.shop.example: unsubscribe links begin "
                "with it"},
    {LIST_AT(conf, trusted_proxies, CONF_TEXTS), .fallback = "", .check = conf_check_address,
        .help = "addresses whose X-Forwarded-For counts"},
    {AT(conf, max_request_bytes, CONF_SIZE), .fallback = "16MiB", WITHIN(64 * KIB, 256 * MIB),
        .help = "larger requests are refused with 413"},
    {AT(conf, max_attachment_bytes, CONF_SIZE), .fallback = "10MiB", WITHIN(0, 128 * MIB),
        .help = "all attachments of one message together, decoded"},
    {AT(conf, requests_per_minute, CONF_NUMBER), .fallback = "600000", WITHIN(1000, 1000000000),
        .help =
            "what one API key may ask for, of batches each message counted; more is refused with "
            "429"},
    {FIXED LIST_AT(conf, resolvers, CONF_TEXTS), .fallback = "127.0.0.1",
        .check = conf_check_resolver,
        .help = "DNS resolvers, with a port if it is not 53; /etc/resolv.conf is not read"},
    {FIXED LIST_AT(conf, zone_files, CONF_PATHS), .fallback = "",
        .help = "zone files that answer instead of the DNS at and below their SOA"},
    {FIXED AT(conf, dns_timeout_ms, CONF_SPAN), .fallback = "3s", WITHIN(100, MINUTE),
        .help = "one DNS question whole, over all resolvers and tries"},
    {FIXED AT(conf, gate_hold, CONF_SWITCH), .fallback = "true",
        .help = "hold mails that would fail DMARC; false only warns, for a first day beside "
                "another system"},
    {AT(conf, hostname, CONF_TEXT), .fallback = "", .otherwise = "the machine's own name",
        .check = conf_check_domain,
        .help = "name given in EHLO; should resolve to the sending address"},
    {LIST_AT(conf, public_addresses, CONF_TEXTS), .fallback = "", .check = conf_check_address,
        .help = "addresses that receivers see, for SPF"},
    {AT(conf, source_address, CONF_TEXT), .fallback = "", .otherwise = "the system chooses",
        .check = conf_check_address, .help = "local address of outgoing connections"},
    {AT(conf, smtp_port, CONF_NUMBER), .fallback = "25", WITHIN(1, PORT_MOST),
        .help = "port of MX hosts; another one for tests only"},
    {FIXED AT(conf, lanes, CONF_NUMBER), .fallback = "64", WITHIN(1, 1024),
        .help = "connections that deliver at the same time"},
    {AT(conf, connect_timeout_ms, CONF_SPAN), .fallback = "30s", WITHIN(100, 10 * MINUTE),
        .help = "wait for a connection to one address"},
    {AT(conf, transfer_timeout_ms, CONF_SPAN), .fallback = "5m", WITHIN(SECOND, HOUR),
        .help = "wait for one read or write (RFC 5321 section 4.5.3.2)"},
    {AT(conf, attempt_timeout_ms, CONF_SPAN), .fallback = "10m", WITHIN(SECOND, 6 * HOUR),
        .help = "one attempt for one message, whole"},
    {AT(conf, lease_ms, CONF_SPAN), .fallback = "15m", WITHIN(SECOND, DAY),
        .help = "a claimed message returns to the queue after this; above attempt_timeout_ms"},
    {AT(conf, retry_first_ms, CONF_SPAN), .fallback = "5m", WITHIN(100, DAY),
        .help = "wait before the second attempt; it doubles from there"},
    {AT(conf, retry_max_ms, CONF_SPAN), .fallback = "4h", WITHIN(100, 2 * DAY),
        .help = "longest wait between attempts; not below retry_first_ms"},
    {AT(conf, expire_after_ms, CONF_SPAN), .fallback = "5d", WITHIN(SECOND, 30 * DAY),
        .help = "an undelivered message is given up after this"},
    {AT(conf, messages_per_connection, CONF_NUMBER), .fallback = "100", WITHIN(1, 10000),
        .help = "mails over one connection before it ends; with more than 120 lanes fewer, 12000 "
                "on all together"},
    {AT(conf, smtp_pipelining, CONF_SWITCH), .fallback = "true",
        .help =
            "say MAIL, RCPT and DATA in one go to servers that offer PIPELINING; false waits for "
            "each answer, for a server that gets confused"},
    {AT(conf, body_8bit, CONF_SWITCH), .fallback = "false",
        .help = "send text as 8bit instead of quoted-printable; receivers must offer 8BITMIME"},
    {AT(conf, dkim_canonicalization, CONF_CHOICE), .fallback = "relaxed/relaxed",
        .choices = canonicalizations,
        .help = "of headers and body; a simple body's signature breaks when a relay on the way "
                "changes one blank, and saves next to nothing"},
    {AT(conf, allow_private_destinations, CONF_SWITCH), .fallback = "false",
        .help = "dial MX addresses in loopback and private networks; for the sandbox and tests"},
};

static const struct conf_option brand[] = {
    {AT(conf_brand, name, CONF_TEXT), .fallback = "", .otherwise = "the storefront's name",
        .help = "shown in mails"},
    {AT(conf_brand, url, CONF_TEXT), .fallback = "", .check = conf_check_site,
        .help = "the shop's own site"},
    {AT(conf_brand, support_url, CONF_TEXT), .fallback = "", .check = conf_check_support,
        .help = "where customers find help; a web address or mailto:"},
    {AT(conf_brand, postal_address, CONF_TEXT), .fallback = "",
        .help = "lines separated by \", \"; marketing streams need one"},
    {AT(conf_brand, colour, CONF_TEXT), .fallback = "#2457a6", .check = conf_check_colour,
        .help = "of buttons, in quotes"},
    {AT(conf_brand, logo_file, CONF_PATH), .fallback = "",
        .help = "PNG or JPEG, sent inside the mail"},
};

static const struct conf_option dkim[] = {
    {AT(conf_dkim, domain, CONF_TEXT), .fallback = "", .otherwise = "the From domain",
        .check = conf_check_domain, .help = "d= of the signature"},
    {AT(conf_dkim, key_file, CONF_PATH),
        .help = "PEM private key, RSA of 2048 bits and more, or Ed25519"},
};

static const struct conf_option stream[] = {
    {AT(conf_stream, class, CONF_ENUM), .fallback = "marketing", .choices = stream_classes,
        .otherwise = "`marketing`, but `transactional` for the stream of that name",
        .help = "marketing carries an unsubscribe link and stops for whoever left"},
};

static const struct conf_section in_storefront[] = {
    {"brand", NULL, NULL, TABLE(brand), .at = offsetof(struct conf_storefront, brand),
        .size = sizeof(struct conf_brand), .help = "How the shop shows itself in its mails."},
    {"dkim", "SELECTOR", conf_check_selector, TABLE(dkim),
        .at = offsetof(struct conf_storefront, dkim),
        .count_at = offsetof(struct conf_storefront, dkim_n),
        .title_at = offsetof(struct conf_dkim, selector), .size = sizeof(struct conf_dkim),
        .help = "A key that signs; with two entries, each mail gets two signatures."},
    {"stream", "NAME", conf_check_word, TABLE(stream),
        .at = offsetof(struct conf_storefront, streams),
        .count_at = offsetof(struct conf_storefront, streams_n),
        .title_at = offsetof(struct conf_stream, name), .size = sizeof(struct conf_stream),
        .help = "A kind of mail that people can leave. \"transactional\" and \"marketing\" always "
                "exist."},
};

static const struct conf_option storefront[] = {
    {AT(conf_storefront, from, CONF_TEXT), .check = conf_check_mailbox,
        .help = "sender that people see: \"Acme Shop <orders@shop.example>\""},
    {AT(conf_storefront, reply_to, CONF_TEXT), .fallback = "", .check = conf_check_mailbox,
        .help = "where answers go"},
    {AT(conf_storefront, return_path_domain, CONF_TEXT), .fallback = "",
        .otherwise = "the domain of `from`", .check = conf_check_domain,
        .help = "bounces come to TOKEN@here; below the From domain, so that SPF aligns"},
    {AT(conf_storefront, locale, CONF_TEXT), .fallback = "en", .check = conf_check_locale,
        .help = "language (BCP 47) where a request names none"},
    {AT(conf_storefront, smart_host, CONF_TEXT), .fallback = "",
        .otherwise = "none: straight to the MX hosts",
        .help = "title of the `smart_host` to send through"},
    {AT(conf_storefront, templates_dir, CONF_PATH), .fallback = "", .otherwise = "none",
        .help = "its own mails, looked at before the shipped ones"},
};

static const struct conf_option smart_host[] = {
    {AT(conf_smart_host, host, CONF_TEXT), .check = conf_check_host, .help = "name of the relay"},
    {AT(conf_smart_host, port, CONF_NUMBER), .fallback = "587", WITHIN(1, PORT_MOST),
        .help = "its submission port, with STARTTLS"},
    {AT(conf_smart_host, user, CONF_TEXT), .fallback = "", .otherwise = "no AUTH",
        .check = conf_check_user, .help = "user name of AUTH; asks for `tls = verified`"},
    {AT(conf_smart_host, password_file, CONF_PATH), .fallback = "",
        .help = "its first line is the password; needed with `user`"},
    {AT(conf_smart_host, tls, CONF_ENUM), .fallback = "verified", .choices = tls_policies,
        .help = "how much STARTTLS must give"},
};

static const struct conf_section in_root[] = {
    {"storefront", "NAME", conf_check_storefront, TABLE(storefront), INSIDE(in_storefront),
        .at = offsetof(struct conf, storefronts), .count_at = offsetof(struct conf, storefronts_n),
        .title_at = offsetof(struct conf_storefront, name), .size = sizeof(struct conf_storefront),
        .help = "A shop. Its name is the tenant's key and never changes."},
    {"smart_host", "NAME", conf_check_word, TABLE(smart_host),
        .at = offsetof(struct conf, smart_hosts), .count_at = offsetof(struct conf, smart_hosts_n),
        .title_at = offsetof(struct conf_smart_host, name), .size = sizeof(struct conf_smart_host),
        .help = "A relay to send through where the MX hosts cannot be reached."},
};

static const struct conf_section root = {
    "", NULL, NULL, TABLE(installation), INSIDE(in_root), .size = sizeof(struct conf)};

const struct conf_section *conf_root(void)
{
    return &root;
}
