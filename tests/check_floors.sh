#!/usr/bin/env bash
# check_floors: holds the floor plan. Reads every #include of the C files under base, dns, templates, queue and
# mailer and names, as FILE:LINE, each one that goes upward or sideways, and each header of a foreign library
# outside of the files that wrap it. Last line: "check_floors: N files, N violations"; exit 1 when there are any.
#
#   tests/check_floors.sh [ROOT]        ROOT is the source tree; by default the folder above this script
set -euo pipefail
export LC_ALL=C

root=${1:-$(dirname "$0")/..}
cd "$root"

files=()
for folder in base dns templates queue mailer; do
    [ -d "$folder" ] || continue
    while IFS= read -r -d '' file; do
        files+=("$file")
    done < <(find "$folder" -name '*.[ch]' -type f -print0 | sort -z)
done
if [ ${#files[@]} -eq 0 ]; then
    echo "check_floors: no C files below $PWD" >&2
    exit 2
fi

awk '
# The folder that owns a path: mailer has one floor per inner folder, the audit stands on the rest of dns, the others
# are one each.
function room(path,    part, n) {
    n = split(path, part, "/")
    if (n < 2)
        return ""
    if (path ~ /^dns\/audit\//)
        return "dns/audit"
    if (part[1] != "mailer")
        return part[1]
    return n == 2 ? "mailer/" : "mailer/" part[2]
}

# May a file of one room include a header of another? Same room or a lower floor; http knows no floor 4.
function may_include(from, to) {
    if (from == to)
        return 1
    if (from == "mailer/http" && floor[to] == 4)
        return 0
    return floor[to] < floor[from]
}

function wrong(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    violations++
}

function check_ours(header,    from, to) {
    from = room(FILENAME)
    to = room(header)
    if (to == "" || !(to in floor)) {
        wrong("\"" header "\" is not written from the top of the tree, or its folder has no floor")
    } else if (header ~ /(^|\/)\.\.?(\/|$)/) {
        wrong("\"" header "\" goes through . or ..")
    } else if (!may_include(from, to)) {
        wrong("\"" header "\": " from " (floor " floor[from] ") may not include " to " (floor " floor[to] ")")
    }
}

# Foreign headers may be included in quotes too, hence no look at the kind of quote.
function check_foreign(header,    i) {
    for (i = 1; i <= wrapped; i++)
        if (header ~ library[i] && FILENAME !~ wrapper[i])
            wrong("<" header "> belongs to " wrapper_name[i] " alone")
}

function wrap(headers, files, name) {
    library[++wrapped] = headers
    wrapper[wrapped] = files
    wrapper_name[wrapped] = name
}

BEGIN {
    floor["base"] = 0
    floor["dns"] = floor["templates"] = floor["mailer/mime"] = floor["mailer/reason"] = floor["mailer/smtpd"] = 1
    floor["dns/audit"] = 1.5
    floor["queue"] = 2
    floor["mailer/comply"] = floor["mailer/gate"] = floor["mailer/intake"] = 3
    floor["mailer/deliver"] = floor["mailer/feedback"] = floor["mailer/hooks"] = 4
    floor["mailer/http"] = 5
    floor["mailer/cli"] = 6
    floor["mailer/"] = 7 # mailer/main.c

    wrap("^(libesmtp|auth-client|auth-plugin)\\.h$", "^mailer/deliver/((smtp|dial)[^/]*\\.c|smtp_inside\\.h)$", "mailer/deliver/smtp*.c and dial*.c")
    wrap("^libpsl\\.h$", "^dns/suffix\\.c$", "dns/suffix.c")
    wrap("^ldns/", "^dns/(rr|wire|zone[^/]*|dnssec[^/]*)\\.[ch]$", "dns/wire*, rr*, zone* and dnssec*")
    wrap("^curl/", "^base/fetch\\.c$", "base/fetch.c")
    wrap("^jansson(_config)?\\.h$", "^base/json_slow\\.c$", "base/json_slow.c")
    wrap("^confuse\\.h$", "^base/conf[^/]*\\.c$", "base/conf*.c")
    wrap("^sqlite3(ext)?\\.h$", "^queue/", "queue/")
    wrap("^microhttpd\\.h$", "^mailer/http/", "mailer/http/")
    wrap("^g(mime|lib)[^/]*(/|\\.h$)", "^mailer/mime/read[^/]*\\.c$", "mailer/mime/read*.c")
    wrap("^(opendkim/)?dkim\\.h$", "^mailer/mime/(dkim[^/]*\\.c|opendkim\\.h)$", "mailer/mime/dkim*.c")
    wrap("^unicode/", "^templates/", "templates/")

    # Headers of ours hand a library on inside its wrapper, so they count as foreign too.
    wrap("^dns/rr\\.h$", "^dns/((rr|wire|zone[^/]*)\\.[ch]|dnssec[^/]*\\.c)$", "dns/wire*, rr*, zone* and dnssec*.c")
    wrap("^dns/dnssec_inside\\.h$", "^dns/dnssec[^/]*\\.c$", "dns/dnssec*.c")
    wrap("^mailer/deliver/smtp_inside\\.h$", "^mailer/deliver/(smtp|dial)[^/]*\\.c$", "mailer/deliver/smtp*.c and dial*.c")
    wrap("^mailer/mime/opendkim\\.h$", "^mailer/mime/(dkim[^/]*|opendkim)\\.c$", "mailer/mime/dkim*.c")
}

/^[ \t]*#[ \t]*(include|include_next|import)[ \t]*["<]/ {
    line = $0
    sub(/^[^"<]*/, "", line)
    quoted = substr(line, 1, 1) == "\""
    sub(/^["<]/, "", line)
    sub(/[">].*$/, "", line)
    check_foreign(line)
    if (quoted || room(line) in floor)
        check_ours(line)
    next
}

# A header that a macro names cannot be checked.
/^[ \t]*#[ \t]*(include|include_next|import)[^a-z_]/ {
    wrong("include with a name that cannot be read")
}

END {
    printf "check_floors: %d files, %d violations\n", ARGC - 1, violations
    exit violations > 0
}
' "${files[@]}"
