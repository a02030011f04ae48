#!/usr/bin/env bash
# Plants one line at a time in a small tree and expects check_floors.sh to accept or refuse it: a check that
# cannot fail would hold nothing.
set -euo pipefail

check=$1
tree=$(mktemp -d "${TMPDIR:-/tmp}/parcelpost-floors-XXXXXX")
trap 'rm -rf "$tree"' EXIT
failed=0
cases=0

# plant WANTED FILE LINE: WANTED is 0 (accepted) or 1 (refused, naming FILE:2)
plant() {
    local wanted=$1 file=$2 line=$3 got=0 output
    mkdir -p "$tree/$(dirname "$file")"
    printf '/* first */\n%s\n' "$line" >"$tree/$file"
    output=$("$check" "$tree") || got=$?
    cases=$((cases + 1))
    if [ "$got" != "$wanted" ]; then
        echo "$file with '$line': exit $got, want $wanted"
        failed=$((failed + 1))
    elif [ "$wanted" = 1 ] && ! grep -q "^$file:2: " <<<"$output"; then
        echo "$file with '$line': the refusal does not name $file:2"
        failed=$((failed + 1))
    elif ! tail -n 1 <<<"$output" | grep -qx "check_floors: 1 files, $wanted violations"; then
        echo "$file with '$line': the last line is '$(tail -n 1 <<<"$output")'"
        failed=$((failed + 1))
    fi
    rm "$tree/$file"
}

plant 0 base/buf.c '#include "base/str.h"'
plant 0 base/buf.c '#include <stdio.h>'
plant 0 dns/mx.c '#include "base/str.h"'
plant 0 queue/queue.c '#include "dns/mx.h"'
plant 0 mailer/deliver/attempt.c '#include "mailer/gate/gate.h"'
plant 0 mailer/http/api.c '#include "mailer/intake/intake.h"'
plant 0 mailer/cli/serve.c '#include "mailer/deliver/engine.h"'
plant 0 mailer/main.c '#include "mailer/cli/cli.h"'
plant 0 dns/wire.c '#include <ldns/ldns.h>'
plant 0 dns/dnssec_verify.c '#include "dns/dnssec_inside.h"'
plant 0 dns/dnssec_verify.c '#include "dns/rr.h"'
plant 0 queue/sqlite.c '#include <sqlite3.h>'
plant 0 base/conf_read.c '#include <confuse.h>'
plant 0 mailer/deliver/smtp_session.c '#include <libesmtp.h>'
plant 0 mailer/deliver/smtp_inside.h '#include <libesmtp.h>'
plant 0 mailer/deliver/smtp_send.c '#include "mailer/deliver/smtp_inside.h"'
plant 0 mailer/mime/opendkim.h '#include <opendkim/dkim.h>'
plant 0 mailer/mime/read.c '#include <gmime/gmime.h>'
plant 0 templates/format.c '#include <unicode/unumberformatter.h>'
plant 0 dns/mx.c '/* #include "queue/queue.h" */'

plant 1 base/buf.c '#include "dns/mx.h"'
plant 1 base/buf.h '  #  include	"queue/queue.h"'
plant 1 dns/mx.c '#include "templates/template.h"'
plant 1 dns/mx.c '#include "mailer/mime/address.h"'
plant 1 mailer/mime/token.c '#include "mailer/reason/reason.h"'
plant 1 queue/queue.c '#include "mailer/comply/comply.h"'
plant 1 mailer/comply/comply.c '#include "mailer/gate/gate.h"'
plant 1 mailer/intake/intake.c '#include "mailer/comply/comply.h"'
plant 1 mailer/intake/intake.c '#include "mailer/http/api.h"'
plant 1 mailer/deliver/attempt.c '#include "mailer/http/api.h"'
plant 1 mailer/http/api.c '#include "mailer/deliver/engine.h"'
plant 1 mailer/http/api.c '#include <mailer/hooks/hooks.h>'
plant 1 mailer/gate/gate.c '#include "mailer/cli/cli.h"'
plant 1 mailer/cli/serve.c '#include "mailer/main.h"'
plant 1 base/buf.c '#include "str.h"'
plant 1 base/buf.c '#include "base/../dns/mx.h"'
plant 1 dns/mx.c '#include "elsewhere/x.h"'
plant 1 mailer/mime/token.c '#include MIME_HEADER'

plant 1 mailer/deliver/engine.c '#include <libesmtp.h>'
plant 1 mailer/deliver/smtp.h '#include <auth-client.h>'
plant 1 mailer/deliver/engine.c '#include "mailer/deliver/smtp_inside.h"'
plant 1 mailer/gate/gate.c '#include <ldns/ldns.h>'
plant 1 dns/mx.c '#include <ldns/ldns.h>'
plant 1 dns/mx.c '#include "dns/rr.h"'
plant 1 dns/dnssec.h '#include "dns/rr.h"'
plant 1 dns/audit/dnssec.c '#include "dns/dnssec_inside.h"'
plant 1 base/hash.c '#include <curl/curl.h>'
plant 1 base/json_write.c '#include <jansson.h>'
plant 1 mailer/http/api.c '#include <jansson_config.h>'
plant 1 base/json.c '#include <confuse.h>'
plant 1 mailer/comply/export.c '#include <sqlite3.h>'
plant 1 mailer/cli/serve.c '#include <microhttpd.h>'
plant 1 mailer/mime/compose.c '#include <gmime/gmime.h>'
plant 1 mailer/mime/compose.c '#include <opendkim/dkim.h>'
plant 1 mailer/mime/compose.c '#include "mailer/mime/opendkim.h"'
plant 1 mailer/mime/header.c '#include <unicode/ustring.h>'

if "$check" "$tree/base" >/dev/null 2>&1; then
    echo "a tree without C files is accepted"
    failed=$((failed + 1))
fi
echo "test_check_floors: $cases cases, $failed failed"
[ "$failed" = 0 ]
