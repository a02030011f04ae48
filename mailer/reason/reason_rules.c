#include "mailer/reason/reason_rules.h"

#define AT_GREETING (REASON_PHASE(AT_CONNECT) | REASON_PHASE(AT_EHLO))
#define AT_LOGIN REASON_PHASE(AT_AUTH)
#define AT_SENDER REASON_PHASE(AT_MAIL)
#define AT_RECIPIENT REASON_PHASE(AT_RCPT)
#define AFTER_DATA (REASON_PHASE(AT_DATA) | REASON_PHASE(AT_BODY))
#define FROM_RCPT_ON (AT_RECIPIENT | AFTER_DATA)

const struct reason_class reason_classes[REASON_KINDS] = {
    [KIND_ACCEPTED] = {"accepted", FAULT_UNKNOWN, false, true, ""},
    [KIND_USER_UNKNOWN] = {"user-unknown", FAULT_RECIPIENT, true, false, "1.1"},
    [KIND_MAILBOX_MOVED] = {"mailbox-moved", FAULT_RECIPIENT, true, false, "1.6"},
    [KIND_DOMAIN_UNKNOWN] = {"domain-unknown", FAULT_RECIPIENT, true, false, "1.2"},
    [KIND_NO_MAIL_ACCEPTED] = {"no-mail-accepted", FAULT_RECIPIENT, true, false, "1.10"},
    [KIND_MAILBOX_DISABLED] = {"mailbox-disabled", FAULT_RECIPIENT, false, false, "2.1"},
    [KIND_MAILBOX_FULL] = {"mailbox-full", FAULT_RECIPIENT, false, false, "2.2"},
    [KIND_RECIPIENT_REJECTED] = {"recipient-rejected", FAULT_RECIPIENT, false, false, "1.0"},
    [KIND_GREYLISTED] = {"greylisted", FAULT_RECEIVER, false, true, "7.1"},
    [KIND_RATE_LIMITED] = {"rate-limited", FAULT_SENDER, false, true, "7.0"},
    [KIND_TOO_MANY_CONNECTIONS] = {"too-many-connections", FAULT_SENDER, false, true, "7.0"},
    [KIND_TOO_MANY_RECIPIENTS] = {"too-many-recipients", FAULT_SENDER, false, true, "5.3"},
    [KIND_BLOCKED] = {"blocked", FAULT_SENDER, false, false, "7.1"},
    [KIND_REPUTATION] = {"bad-reputation", FAULT_SENDER, false, false, "7.1"},
    [KIND_UNAUTHENTICATED] = {"unauthenticated", FAULT_SENDER, false, false, "7.26"},
    [KIND_NO_REVERSE_DNS] = {"no-reverse-dns", FAULT_SENDER, false, false, "7.25"},
    [KIND_HELO_REJECTED] = {"helo-rejected", FAULT_SENDER, false, false, "7.1"},
    [KIND_SENDER_REJECTED] = {"sender-rejected", FAULT_SENDER, false, false, "1.8"},
    [KIND_RELAYING_DENIED] = {"relaying-denied", FAULT_RECEIVER, false, false, "7.1"},
    [KIND_LOGIN_FAILED] = {"login-failed", FAULT_SENDER, false, false, "7.8"},
    [KIND_LOGIN_REQUIRED] = {"login-required", FAULT_SENDER, false, false, "7.0"},
    [KIND_TLS_REQUIRED] = {"tls-required", FAULT_SENDER, false, false, "7.10"},
    [KIND_TLS_FAILED] = {"tls-failed", FAULT_RECEIVER, false, true, "7.5"},
    [KIND_SPAM] = {"spam", FAULT_CONTENT, false, false, "7.1"},
    [KIND_VIRUS] = {"virus", FAULT_CONTENT, false, false, "7.1"},
    [KIND_CONTENT] = {"content", FAULT_CONTENT, false, false, "6.0"},
    [KIND_TOO_LARGE] = {"too-large", FAULT_CONTENT, false, false, "3.4"},
    [KIND_POLICY] = {"policy", FAULT_SENDER, false, false, "7.1"},
    [KIND_SERVER_BUSY] = {"server-busy", FAULT_RECEIVER, false, true, "3.2"},
    [KIND_SERVER_ERROR] = {"server-error", FAULT_RECEIVER, false, false, "3.0"},
    [KIND_SYSTEM_FULL] = {"system-full", FAULT_RECEIVER, false, true, "3.1"},
    [KIND_LOOP] = {"loop", FAULT_RECEIVER, false, false, "4.6"},
    [KIND_EXPIRED] = {"expired", FAULT_RECEIVER, false, false, "4.7"},
    [KIND_NETWORK] = {"network", FAULT_NETWORK, false, false, "4.0"},
    [KIND_PROTOCOL] = {"protocol", FAULT_RECEIVER, false, false, "5.0"},
    [KIND_UNKNOWN] = {"unknown", FAULT_UNKNOWN, false, false, ""},
};

/* Ids are stored with decisions: never give an old one a new meaning. */
const struct reason_rule reason_rules[] = {
    {"code/2yz", .from = 200, .to = 399, .kind = KIND_ACCEPTED},

    /* Said first of all, whatever stands beside it. */
    {"greylisted/words",
        .words = "greylist|graylist|grey list|gray list|grey-list|gray-list|greyed|greytrap|"
                 "postgrey|milter-greylist|first time * sender|not yet authorized to deliver|"
                 "deferred * new sender|delayed * unknown sender",
        .kind = KIND_GREYLISTED},

    /* Lists of addresses that send spam. Before the sender's rules: domain lists name the sender, too. */
    {"blocked/list-name",
        .words = "spamhaus|spamcop|sorbs.net|barracudacentral|barracudanetworks.com/reputation|"
                 "uribl|surbl|dnsbl|~rbl~|~rbl+|~dnsrbl~|invaluement|uceprotect|backscatterer|"
                 "hostkarma|junkemailfilter|spamrl.com|mail-abuse.com|mailspike|psbl.|"
                 "abuseat.org|spameatingmonkey|manitu.net|nixspam|proofpoint.com/?ip|"
                 "ipcheck.proofpoint|sender.office.com|openrbl|dsbl.org|spfbl|senderscore",
        .kind = KIND_BLOCKED},
    {"blocked/listed",
        .words = "blacklist|black list|black-list|blocklist|block list|denylist|deny list|"
                 "client host * blocked|client * blocked using|client address * blocked|"
                 "~ip * is blocked|~ip * blocked|~ip is blocked|~ip blocked|_is_blocked|"
                 "is listed at|listed by|is listed on|~found in * list|host * is blocked|"
                 "banned sending ip|banned sender|~ip * banned|bad ip~|~ip * is rejected|"
                 "~ip is rejected|part of their network is on|"
                 "connections will not be accepted from|on one or more dns|blocked by geoip|"
                 "removal from this list|request delisting|to be delisted",
        .kind = KIND_BLOCKED},
    {"blocked/t-online", .words = "~ip=*a problem occurred|~ip:*a problem occurred",
        .kind = KIND_BLOCKED},
    {"blocked/netease", .words = "hl:ipb|mi:spb|dt:rbl|wm:bli|wm:blu", .kind = KIND_BLOCKED},
    {"bad-reputation/words",
        .words = "reputation|namespace mining|sc-001|sc-002|sc-003|sc-004|ou-001|ou-002|"
                 "weren't sent|(s3140)|(s3150)|[tss|complaints from|user complaints|"
                 "unusual rate of unsolicited|hl:rep~|identified as spammer|known spammer|"
                 "spam source|source of spam|you are sending spam|currently sending spam|"
                 "too much spam from|too many spam|history of spam",
        .kind = KIND_REPUTATION},

    /* What the sender's domain or host has not set up. */
    {"unauthenticated/dmarc",
        .words = "~dmarc|required authentication level|is unauthenticated|unauthenticated email|"
                 "unauthenticated mail|not pass authentication|failed authentication checks|"
                 "not aligned|anti-spoofing|antispoofing|anti spoofing|sender id * fail|"
                 "header isn't aligned|spoofed",
        .kind = KIND_UNAUTHENTICATED},
    {"unauthenticated/spf",
        .words = "~spf~*fail|~spf~*reject|~spf~*not allowed|~spf~*not permitted|~spf~*does not|"
                 "~spf record|fail*~spf~|failed*~spf~|sender policy framework|~spf check|"
                 "~spf unauthorized|not authorized by * spf|~spf error|(spf)|due to spf|"
                 "spf policy|openspf|~mi:spf|mail from ip * not * designated|"
                 "not a permitted sender",
        .kind = KIND_UNAUTHENTICATED},
    {"unauthenticated/dkim",
        .words = "~dkim~*fail|~dkim~*invalid|~dkim~*missing|~dkim~*not|no * dkim|bad dkim|"
                 "dkim signature",
        .kind = KIND_UNAUTHENTICATED},
    {"unauthenticated/status",
        .status = "x.7.20-24|x.7.26|x.7.27|x.7.509|x.7.515|x.7.30|x.7.32|x.7.40",
        .words = "~spf|~dkim|~dmarc|authenticat|aligned", .kind = KIND_UNAUTHENTICATED},
    {"no-reverse-dns/words",
        .words = "reverse dns|reverse-dns|~rdns|~ptr~|reverse lookup|reverse hostname|"
                 "reverse host|reverse mapping|reverse resolution|cannot find your hostname|"
                 "cannot find your reverse|no dns name|does not resolve to * address|"
                 "fix reverse|client host rejected: cannot find|forward-confirmed|fcrdns|"
                 "invalid dns mx|dynamic ip|dial-up|dialup|generic hostname",
        .kind = KIND_NO_REVERSE_DNS},
    {"helo-rejected/words",
        .words = "helo command rejected|~helo *invalid|~ehlo *invalid|invalid helo|invalid ehlo|"
                 "bad helo|helo name|helo/ehlo|ehlo/helo|hl:ihu|helo * rejected|helo * does not|"
                 "forged helo|helo unknown",
        .kind = KIND_HELO_REJECTED},
    {"tls-required/words",
        .words = "must issue a starttls|starttls first|starttls * required|starttls is required|"
                 "tls required|tls is required|requires tls|require tls|requires encryption|"
                 "encryption required|encryption is required|session encryption|"
                 "encrypted connection|without tls|over tls|must use tls|no encryption",
        .kind = KIND_TLS_REQUIRED},
    {"tls-failed/words",
        .words = "tls not available|tls * failed|tls handshake|tls * unavailable|"
                 "tls * temporary|no valid cert|certificate * expired|certificate * not trusted",
        .phases = AT_GREETING | REASON_PHASE(AT_STARTTLS) | AT_LOGIN | AT_SENDER,
        .kind = KIND_TLS_FAILED},
    {"login-failed/words",
        .words = "authentication failed|authentication failure|authentication unsuccessful|"
                 "username and password not|bad credentials|invalid credentials|"
                 "incorrect authentication|invalid login|login failed|password * incorrect|"
                 "wrong password|wrong user|invalid password|bad username|fail authentication|"
                 "application-specific password|smtpclientauthentication is disabled|"
                 "account * disabled for smtp",
        .phases = AT_LOGIN | AT_SENDER, .kind = KIND_LOGIN_FAILED},
    {"login-required/words",
        .words = "authentication required|authentication is required|authentication needed|"
                 "must authenticate|must be authenticated|authenticate first|auth first|"
                 "smtp auth is required|smtp auth required|requires authentication|"
                 "client was not authenticated|please log in|need to authenticate|need auth|"
                 "pop before smtp|check for new mail first|must check * mail",
        .kind = KIND_LOGIN_REQUIRED},
    {"sender-rejected/verify",
        .words = "sender verif|verify sender|verification failed for|sender address verif|"
                 "callout|call-out|sender callback|sender unverif|unverified sender|"
                 "could not verify sender|sender could not be verif|verify the sender|"
                 "return path * verif",
        .kind = KIND_SENDER_REJECTED},
    {"sender-rejected/words",
        .words = "sender address rejected|sender address * not|sender rejected|sender denied|"
                 "sender refused|sender blocked|sender is blocked|sender * not allowed|"
                 "sender domain|sender's domain|domain of sender|domain of the sender|"
                 "sender's address|invalid sender|bad sender|sender invalid|sender unknown|"
                 "unknown sender|sender not found|sender does not exist|envelope sender|"
                 "envelope blocked|badmailfrom|null sender|empty sender|empty envelope|"
                 "bounce messages are not|return address|return-path|mail from * rejected|"
                 "mail from * denied|from address|your domain|sending domain|originator|"
                 "sender email|email sender|sending address not accepted|bad outbound sender|"
                 "suspected bounce attack|from header|from: header|multiple from",
        .kind = KIND_SENDER_REJECTED},

    /* What the receiver's filters think of this mail. */
    {"virus/words",
        .words = "~virus|~malware|trojan|~worm~|infected|phishing|clamav|found a threat|"
                 "malicious",
        .kind = KIND_VIRUS},
    {"spam/words",
        .words = "spam detected|spam policy|identified spam|~spam~*rejected|detected as spam|"
                 "identified as spam|classified as spam|considered spam|considered * spam|"
                 "as spam|is spam|be spam|like spam|similar to spam|probable spam|possible spam|"
                 "likely spam|suspected spam|suspicion of spam|spam message|message * spam|"
                 "spam content|spam score|spam scor|spam point|spam-id|spam block|spam reject|"
                 "spam filter|spam rule|spam list|spam pattern|spam email|spam mail|spam not|"
                 "spam check|spamming|spamminess|antispam check|antispam polic|anti-spam|"
                 "spamassassin|(spam)|[spam]|: spam|mcspamsignature|spamprofiler|~ube~|~uce~|"
                 "~uce,|unsolicited|bulk mail|bulk email|mass mail|dt:spm|junk mail|junkmail|"
                 "is junk",
        .kind = KIND_SPAM},
    {"content/words",
        .words = "content rejected|content reject|content filter|content denied|content not|"
                 "content is not|content restriction|content prohibit|prohibited content|"
                 "message content|content policy|content presents|~attachment|illegal content|"
                 "mail content|header rejected|body rejected|banned content|"
                 "potential security issue|dt:sum|(content)|bad content|bare lf|bare <lf>|"
                 "bare line|stray newline|not rfc|rfc 5322|rfc 2822|rfc2822|rfc5322|"
                 "missing header|duplicate header|line too long|8bit|8-bit",
        .phases = AFTER_DATA | AT_RECIPIENT, .kind = KIND_CONTENT},

    /* Later, or slower. */
    {"mailbox-full/count",
        .words = "zuviele mails|zu viele mails|user has too many messages|messages in * mailbox|"
                 "messages in this mailbox|messages in this folder",
        .phases = FROM_RCPT_ON, .kind = KIND_MAILBOX_FULL},
    {"too-many-recipients/words",
        .words = "too many recipients|too many rcpt|recipients * too many|recipient limit|"
                 "number of recipients|recipients per|maximum recipients|max recipients|rp:drc|"
                 "rp:qrc",
        .kind = KIND_TOO_MANY_RECIPIENTS},
    {"too-many-connections/words",
        .words = "too many connections|too many concurrent|too many simultaneous|"
                 "concurrent connection|maximum * connections|max * connections|"
                 "connections * exceed|connection limit|too many sessions|trop de connexions|"
                 "connection frequency|hl:icc|too many smtp sessions|number of * connections",
        .kind = KIND_TOO_MANY_CONNECTIONS},
    {"rate-limited/words",
        .words = "rate limit|ratelimit|rate-limit|limit rate|rate control|~throttl|slow down|"
                 "too fast|too quickly|too frequent|frequency limited|frequency|"
                 "too many messages|too many mails|too many emails|too many e-mails|"
                 "too much mail|too many errors|too many invalid|too many unknown|too many bad|"
                 "too many non-existent|too many nonexist|sending limit|sending quota|"
                 "message limit|hourly limit|daily limit|daily quota|hourly quota|per hour|"
                 "per minute|per day|sending rate|message rate|mail rate|rate that|at a rate|"
                 "high volume|volume of|unexpected volume|limit exceeded for * sender|"
                 "exceeded * limit on * messages|number of messages|messages per|"
                 "try again later * too|hl:ifc|hl:mep|mi:cel|mi:dmc|mi:ccl|mi:sfq|mi:stc|mi:fbl|"
                 "rp:trc|rp:ccl|rp:cel|rp:rcl|excessive|(rl0|rp-00|has exceeded its max emails",
        .kind = KIND_RATE_LIMITED},

    {"greylisted/span", /* who tells how long to wait, and no other cause */
        .words = "try again in * minutes|try again in * seconds|retry in * minutes|"
                 "retry in * seconds|retry after * seconds|retry after * minutes",
        .kind = KIND_GREYLISTED},

    /* The recipient's mailbox. */
    {"mailbox-full/words",
        .words = "mailbox full|mailbox is full|mail box full|mailbox * full|mailfolder is full|"
                 "mailfolder * full|inbox is full|inbox full|account is full|account full|"
                 "box is full|over quota|overquota|over-quota|over the quota|over its quota|"
                 "over his quota|over their quota|over the * quota|quota exceed|"
                 "quota has been exceeded|quota is exceeded|exceeded * quota|exceeds * quota|"
                 "exceed * quota|quota violation|quota limit|quota full|out of quota|disk quota|"
                 "disc quota|quotaexceeded|out of storage|storage space|exceeded storage|"
                 "storage quota|storage limit|no space left on mailbox|mailbox size limit|"
                 "mailbox * exceed|exceeded * disk space|exceeded * space|exceeded * storage|"
                 "not enough space in * mailbox|space not enough|insufficient space * mailbox|"
                 "insufficient mailbox|mailbox has reached|mailbox is at|mailbox exceed|"
                 "postfach * voll|postfach ist voll|mailbox voll|boite * pleine|"
                 "bo\xc3\xaete * pleine|casella piena|casella * piena|buzon lleno|"
                 "buz\xc3\xb3n * lleno|caixa * cheia|caixa postal cheia|przepelnion|"
                 "przepe\xc5\x82nion|\xe9\x82\xae\xe7\xae\xb1\xe5\xb7\xb2\xe6\xbb\xa1",
        .phases = FROM_RCPT_ON, .kind = KIND_MAILBOX_FULL},
    {"too-large/words",
        .words = "message too large|message too big|too large|too big|message size|size limit|"
                 "exceeds size|exceeds the maximum|exceeds maximum|exceeds * message size|"
                 "maximum * size|max * size|size exceed|larger than|recipsizelimit|"
                 "sendsizelimit|mail size|~size=|message length exceed|file size|size * exceeds",
        .kind = KIND_TOO_LARGE},
    {"mailbox-disabled/words",
        .words = "mailbox * disabled|mailbox disabled|account * disabled|account disabled|"
                 "user * disabled|disabled or discontinued|recipient * disabled|"
                 "address * disabled|is disabled|been disabled|mailbox * suspended|"
                 "currently suspended|account * suspended|is suspended|been suspended|"
                 "user suspended|recipient * suspended|mailbox * inactive|account * inactive|"
                 "account inactive|user * inactive|user inactive|is inactive|mailbox inactive|"
                 "inactive mailbox|inactive user|inactive account|not active|deactivated|"
                 "discontinued|mailbox * locked|account * locked|account locked|mailbox locked|"
                 "mailbox * blocked|account * blocked|account is blocked|mailbox * frozen|"
                 "account * frozen|on hold|account expired|account has expired|"
                 "mailbox * expired|not accepting mail|not accepting messages|not accepting new|"
                 "cannot receive mail|not allowed to receive|unable to receive|"
                 "cannot accept mail|refuses to accept|account inbounds disabled|gesperrt|"
                 "deaktiviert|desactivad|disattivat|niedostepn|niedost\xc4\x99pn|"
                 "d\xc3\xa9sactiv|desactive",
        .phases = FROM_RCPT_ON, .kind = KIND_MAILBOX_DISABLED},
    {"relaying-denied/words",
        .words = "relaying denied|relay denied|relaying * denied|relay access denied|"
                 "relay * denied|relaying not|not permitted to relay|relay not permitted|"
                 "relaying is not|relaying * prohibited|relay * prohibited|unable to relay|"
                 "cannot relay|can't relay|won't relay|do not relay|not relay|no relay|"
                 "open relay|relaying disallowed|relaying mail|as a relay|"
                 "through this server without|allowed rcpthosts|my list of allowed|rcpthosts|"
                 "not a gateway|not allowed to relay|relay not|we don't handle mail for|"
                 "mail for * not accepted here|local user only|not local domain|"
                 "domain not hosted|not hosted here|not one of our domains|"
                 "no such domain at this|no such domain here|domain is not hosted|"
                 "domain is not local|domain is not handled|domain isn't|"
                 "we do not accept mail for",
        .phases = AT_SENDER | FROM_RCPT_ON, .kind = KIND_RELAYING_DENIED},

    /* Who may write to this recipient at all. */
    {"policy/by-recipient",
        .words = "do not accept mail from|not accept mail from|rejected by this user|"
                 "rejected by recipient|rejected by the recipient|blocked by recipient|"
                 "blocked by the recipient|recipient * blocked|blocked by user|"
                 "recipient does not accept mail from|recipient * refuses|user refuses|"
                 "does not want|restrictedrecip|restricted recipients|notauthorized|"
                 "not authorized to send|not authorised to send|not allowed to send|"
                 "not permitted to send|allowed-sender|allowed sender|moderat|non-member|"
                 "not a member|members only|only accept* mail from|only accept* messages from|"
                 "whitelist|white list|allowlist|requires confirmation|challenge",
        .phases = FROM_RCPT_ON, .kind = KIND_POLICY},

    /* The recipient is not there. */
    {"user-unknown/exchange-edge", .status = "5.4.1",
        .words = "recipient address rejected: access denied", .phases = FROM_RCPT_ON,
        .kind = KIND_USER_UNKNOWN}, /* directory-based edge blocking */
    {"mailbox-moved/words",
        .words = "has moved|user moved|mailbox moved|no longer employed|no longer works|"
                 "no longer with|left the company|changed * address|address has changed|"
                 "new address is",
        .phases = FROM_RCPT_ON, .kind = KIND_MAILBOX_MOVED},
    {"no-mail-accepted/words",
        .words = "null mx|nullmx|does not accept mail|doesn't accept mail|accepts no mail|"
                 "domain * not accept mail|host does not receive mail|does not receive mail",
        .phases = FROM_RCPT_ON, .kind = KIND_NO_MAIL_ACCEPTED},
    {"domain-unknown/words",
        .words = "host unknown|unknown host|host not found|domain not found|domain unknown|"
                 "unknown domain|no such domain|no such host|domain * not found|"
                 "domain * does not exist|domain * doesn't exist|domain does not exist|"
                 "non-existent domain|nonexistent domain|invalid domain|bad domain|"
                 "domain invalid|domain * invalid|name or service not known|nxdomain|"
                 "no mx record|no mx or|no mx for|no valid mx|domain name not found|"
                 "mx * does not exist|unrouteable mail domain|unroutable domain|"
                 "unrouteable domain|all relevant mx records point|couldn't find any host|"
                 "cannot find any host|no route to domain|malformed dns|bad destination host",
        .phases = FROM_RCPT_ON, .kind = KIND_DOMAIN_UNKNOWN},
    {"user-unknown/words",
        .words = "user unknown|unknown user|user is unknown|user * unknown|unknown recipient|"
                 "recipient unknown|recipient * unknown|unknown address|address unknown|"
                 "addressee unknown|unknown mailbox|mailbox unknown|unknown account|"
                 "account unknown|unknown local|unknown or illegal|unknown email|unknown name|"
                 "unknown alias|illegal user|illegal alias|no such user|no such recipient|"
                 "no such mailbox|no such person|no such address|no such account|no such local|"
                 "no such alias|no such email|no such name|no such customer|no such member|"
                 "no mailbox here|no mailbox by|no mailbox for|no mailbox found|no mailbox with|"
                 "no mailbox named|no mail box available|no account by|no account here|"
                 "no account with|no account for|no user by|no user here|no user with|"
                 "no user named|no recipient by|no recipient here|mailbox not found|"
                 "mail-box not found|mail box not found|user not found|recipient not found|"
                 "address not found|account not found|alias not found|name not found|"
                 "user * not found|recipient * not found|mailbox * not found|"
                 "address * not found|recipnotfound|recipientnotfound|user * not be found|"
                 "recipient * not be found|address * not be found|mailbox * not be found|"
                 "address * couldn't be found|cannot find your recipient|can't find user|"
                 "not a known user|not a known recipient|not known here|not known at|"
                 "not known to|user * not known|recipient * not known|not a valid recipient|"
                 "not a valid mailbox|not a valid user|not a valid address|not a valid email|"
                 "not a valid account|not an active address|not our customer|not a customer|"
                 "not listed in|badrcptto|bad_recipient",
        .phases = FROM_RCPT_ON, .kind = KIND_USER_UNKNOWN},
    {"user-unknown/does-not-exist",
        .words = "does not exist|doesn't exist|do not exist|doesnt exist|not exist|nonexist|"
                 "non-exist|non exist|doesn't have a * account|does not have a * account|"
                 "does not have an account|doesn't have an account|doesn't match * user|"
                 "has no mailbox|don't have a mailbox|recipient~*not on this server",
        .phases = FROM_RCPT_ON, .kind = KIND_USER_UNKNOWN},
    {"user-unknown/no-longer",
        .words = "address * no longer|mailbox * no longer|account * no longer|user * no longer|"
                 "recipient * no longer|recipient no longer|user no longer|is no longer valid|"
                 "no longer on server|no longer on this server|no longer exist|account * closed|"
                 "mailbox * closed|account closed|mailbox closed|account * deleted|"
                 "mailbox * deleted|user * deleted|address * deleted|mailbox * removed|"
                 "account * removed|address * removed|account * terminated|account * cancelled|"
                 "account * canceled|mailbox * terminated",
        .phases = FROM_RCPT_ON, .kind = KIND_USER_UNKNOWN},
    {"user-unknown/invalid",
        .words = "invalid recipient|invalid mailbox|invalid final delivery|invalid user|"
                 "invalid address|invalid email|invalid account|invalid local|recipient invalid|"
                 "recipient is invalid|recipient * invalid|mailbox * invalid|user invalid|"
                 "user is invalid|address * is invalid|address invalid|bad recipient|bad rcpt|"
                 "bad destination mailbox|bad destination address|bad mailbox|bad address|"
                 "address is not valid|recipient is not valid|mailbox is not valid|"
                 "user is not valid|user not local|not a local user|not a local recipient|"
                 "not an existing|not recognized here|not recognised here|recipient not recogni|"
                 "mailbox unavailable|mailbox not available|mailbox is unavailable|"
                 "mailbox * is unavailable|unrouteable address|unroutable address|"
                 "undeliverable address|unverified address",
        .phases = FROM_RCPT_ON, .from = 500, .to = 553, .kind = KIND_USER_UNKNOWN},
    {"user-unknown/ironport", .status = "5.1.0", .words = "address rejected",
        .phases = AT_RECIPIENT, .kind = KIND_USER_UNKNOWN},
    {"user-unknown/other-languages",
        .words = "unbekannt|nicht gefunden|existiert nicht|nicht bekannt|nicht vorhanden|"
                 "destinataire invalide|destinataire * invalide|inconnu|n'existe pas|inexistant|"
                 "desconocid|no existe|inexistente|sconosciut|non esiste|nie istnieje|nieznan|"
                 "onbekend|bestaat niet|finns inte|findes ikke|neexistuje|nem l\xc3\xa9tezik|"
                 "n\xc3\xa3o existe|nao existe|desconhecid|bulunamad\xc4\xb1|ofr_416|"
                 "\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8",
        .phases = FROM_RCPT_ON, .kind = KIND_USER_UNKNOWN},
    {"recipient-rejected/not-now", /* the phrase of RFC 5321 for 450, or an address still being verified */
        .words = "mailbox unavailable|mailbox not available|unverified address|"
                 "unrouteable address",
        .phases = FROM_RCPT_ON, .from = 400, .to = 499, .kind = KIND_RECIPIENT_REJECTED},

    /* The receiver's own trouble. */
    {"loop/words",
        .words = "too many hops|hop count|mail loop|routing loop|forwarding loop|loops back|"
                 "looping|mail is looping|too many received",
        .kind = KIND_LOOP},
    {"expired/words",
        .words = "retry timeout exceeded|retry time * exceeded|delivery time expired|"
                 "message expired|queue too long|been in the queue too long|"
                 "maximum time expired|undeliverable for",
        .kind = KIND_EXPIRED},
    {"system-full/words",
        .words = "insufficient system storage|insufficient storage|insufficient disk|"
                 "out of disk|no space left|disk full|disk is full|"
                 "insufficient system resources|not enough disk|insufficient resources",
        .kind = KIND_SYSTEM_FULL},
    {"server-busy/words",
        .words = "server busy|server is busy|system busy|too busy|~busy~|overload|load average|"
                 "heavy load|high load|service not available|service temporarily unavailable|"
                 "service is temporarily|temporarily unavailable|temporarily deferred|"
                 "temporarily unable|temporarily rejected|temporary system problem|"
                 "under maintenance|shutting down|closing transmission channel|service closing|"
                 "not accepting connections|system not accepting|service refus|"
                 "internal resources are temporarily|resources temporarily|try again later|"
                 "try later|plus tard|retry later|temporary failure|temporary problem|"
                 "temporary local|temporary error",
        .from = 400, .to = 499, .kind = KIND_SERVER_BUSY},
    {"server-busy/permanent-code", /* 5yz by number, later by its own words */
        .words = "try again later|please try later|try later|retry later|temporarily|"
                 "essayer plus tard|service not available|service currently unavailable|"
                 "server busy|system busy",
        .kind = KIND_SERVER_BUSY},
    {"server-error/words",
        .words = "internal error|internal server error|server error|configuration error|"
                 "configuration problem|local error|system error|queue file write|local problem|"
                 "mail system error|mail system problem|software error|backend|"
                 "configuration failure|mail server * error|processing error|out of memory|"
                 "i/o error|ldap|database|lookup error|milter",
        .kind = KIND_SERVER_ERROR},
    /* Enhanced codes alone (RFC 3463, 5248 registry, 7372, 7504, 7505; Exchange Online's own). */
    {"status/x.1.1", .phases = FROM_RCPT_ON, .status = "x.1.1", .kind = KIND_USER_UNKNOWN},
    {"status/x.1.10", .phases = FROM_RCPT_ON, .status = "x.1.10", .kind = KIND_NO_MAIL_ACCEPTED},
    {"status/x.1.2", .phases = FROM_RCPT_ON, .status = "x.1.2|x.4.4", .kind = KIND_DOMAIN_UNKNOWN},
    {"status/x.1.6", .phases = FROM_RCPT_ON, .status = "x.1.6", .kind = KIND_MAILBOX_MOVED},
    {"status/x.1.7", .status = "x.1.7-9|x.1.20", .kind = KIND_SENDER_REJECTED},
    {"status/x.1", .phases = FROM_RCPT_ON, .status = "x.1.*", .kind = KIND_RECIPIENT_REJECTED},
    {"status/x.1-sender", .status = "x.1.*", .kind = KIND_SENDER_REJECTED},
    {"status/x.2.2", .status = "x.2.2|x.2.122", .kind = KIND_MAILBOX_FULL},
    {"status/x.2.3", .status = "x.2.3|x.3.4", .kind = KIND_TOO_LARGE},
    {"status/x.2.121", .status = "x.2.121", .kind = KIND_RATE_LIMITED},
    {"policy/words",
        .words = "policy|policies|access denied|not accepted|administrative|prohibited|"
                 "permission denied|not allowed|not permitted|unauthorized|not authorized|"
                 "rejected by|access to submit|blocked|denied|refused|not welcome|security|"
                 "~ph01~|transaction failed|~block~",
        .kind = KIND_POLICY},
    {"user-unknown/rejected", /* nothing but the refusal of this one recipient, as large providers word it */
        .words = "recipient rejected|rcpt rejected|recipient not accepted", .phases = AT_RECIPIENT,
        .from = 550, .to = 550, .kind = KIND_USER_UNKNOWN},
    {"status/x.2.1", .phases = FROM_RCPT_ON, .status = "x.2.1", .kind = KIND_MAILBOX_DISABLED},
    {"status/x.2", .phases = FROM_RCPT_ON, .status = "x.2.*", .kind = KIND_RECIPIENT_REJECTED},
    {"status/x.3.1", .status = "x.3.1", .kind = KIND_SYSTEM_FULL},
    {"status/x.3.2", .status = "x.3.2", .kind = KIND_SERVER_BUSY},
    {"status/x.3", .status = "x.3.1-999", .kind = KIND_SERVER_ERROR},
    {"status/x.4.5", .status = "x.4.5", .kind = KIND_SERVER_BUSY},
    {"status/x.4.6", .status = "x.4.6|x.4.14", .kind = KIND_LOOP},
    {"status/x.4.7", .status = "x.4.7", .kind = KIND_EXPIRED},
    {"status/x.4", .status = "x.4.*", .kind = KIND_NETWORK},
    {"status/x.5.3", .status = "x.5.3", .kind = KIND_TOO_MANY_RECIPIENTS},
    {"status/x.5", .status = "x.5.1-999", .kind = KIND_PROTOCOL},
    {"status/x.6", .status = "x.6.*", .kind = KIND_CONTENT},
    {"status/x.7.8", .status = "x.7.8|x.7.9", .phases = AT_LOGIN | AT_SENDER,
        .kind = KIND_LOGIN_FAILED},
    {"status/x.7.10", .status = "x.7.10|x.7.11|x.7.30", .kind = KIND_TLS_REQUIRED},
    {"status/x.7.20", .status = "x.7.20-24|x.7.26|x.7.509|x.7.515", .kind = KIND_UNAUTHENTICATED},
    {"status/x.7.25", .status = "x.7.25", .kind = KIND_NO_REVERSE_DNS},
    {"status/x.7.27", .status = "x.7.27", .kind = KIND_SENDER_REJECTED},
    {"status/x.7.28", .status = "x.7.28", .kind = KIND_RATE_LIMITED},
    {"status/x.7.511", .status = "x.7.511|x.7.606-649|x.7.708", .kind = KIND_BLOCKED},
    {"status/4.7.500", .status = "4.7.500-699", .kind = KIND_RATE_LIMITED},
    {"status/x.7", .status = "x.7.*", .kind = KIND_POLICY},

    /* Basic code and phase. */
    {"code/421", .from = 421, .to = 421, .kind = KIND_SERVER_BUSY},
    {"code/530", .from = 530, .to = 530, .kind = KIND_LOGIN_REQUIRED},
    {"code/535", .from = 534, .to = 535, .phases = AT_LOGIN | AT_SENDER, .kind = KIND_LOGIN_FAILED},
    {"code/auth-5yz", .from = 500, .to = 599, .phases = AT_LOGIN, .kind = KIND_LOGIN_FAILED},
    {"code/starttls", .from = 400, .to = 599, .phases = REASON_PHASE(AT_STARTTLS),
        .kind = KIND_TLS_FAILED},
    {"code/500-504", .from = 500, .to = 504, .kind = KIND_PROTOCOL},
    {"code/connect-5yz", .from = 500, .to = 599, .phases = REASON_PHASE(AT_CONNECT),
        .kind = KIND_BLOCKED},
    {"code/ehlo-5yz", .from = 500, .to = 599, .phases = REASON_PHASE(AT_EHLO),
        .kind = KIND_HELO_REJECTED},
    {"code/552-rcpt", .from = 552, .to = 552, .phases = AT_RECIPIENT, .kind = KIND_MAILBOX_FULL},
    {"code/552", .from = 552, .to = 552, .kind = KIND_TOO_LARGE},
    {"code/452", .from = 452, .to = 452, .kind = KIND_SYSTEM_FULL},
    {"code/451", .from = 451, .to = 451, .kind = KIND_SERVER_ERROR},
    {"code/450-rcpt", .from = 450, .to = 450, .phases = AT_RECIPIENT,
        .kind = KIND_RECIPIENT_REJECTED},
    {"code/mail-5yz", .from = 500, .to = 599, .phases = AT_SENDER, .kind = KIND_SENDER_REJECTED},
    {"code/rcpt-5yz", .from = 500, .to = 599, .phases = AT_RECIPIENT,
        .kind = KIND_RECIPIENT_REJECTED},
    {"code/data-5yz", .from = 500, .to = 599, .phases = AFTER_DATA, .kind = KIND_CONTENT},
    {"code/4yz", .from = 400, .to = 499, .kind = KIND_SERVER_BUSY},
    {"code/5yz", .from = 500, .to = 599, .kind = KIND_UNKNOWN},
    {"nothing", .kind = KIND_UNKNOWN},
};
const size_t reason_rules_n = COUNT_OF(reason_rules);
