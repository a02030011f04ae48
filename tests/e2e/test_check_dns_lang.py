"""check-dns in Simplified Chinese: the same findings, whole lines of 80 columns, no English left, and who chooses the language."""

import json
import os
import re
import subprocess
import unicodedata

import house

EXAMPLE = ["shop.example", "--selector", "old", "--ip", "198.51.100.7", "--resolver", "none", "--zone",
           os.path.join(house.TOP, "docs", "examples", "checkup.zone")]
BROKEN = r'''$ORIGIN shop.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
@ IN MX 10 mx
@ IN MX 20 gone
mx IN A 198.51.100.7
@ IN TXT "v=spf1 include:gone.shop.example ip4:300.1.1.1 -all"
_dmarc IN TXT "v=DMARC1; p=quarantin; xyz=1"
s1._domainkey IN TXT "v=DKIM1; k=rsa; p=%%%"
_mta-sts IN TXT "v=STSv1; id=2026-11-28"
_smtp._tls IN TXT "v=TLSRPTv1; rua=ftp://x"
default._bimi IN TXT "v=BIMI1; l=http://shop.example/l.svg"
'''
EMPTY = '''$ORIGIN shop.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
'''
CONTROLS = r'''$ORIGIN shop.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
_dmarc IN TXT "v=DMARC1; p=none\027[31m; \155\050\007=\229\159\159"
@ IN TXT "v=spf1 \027]0;x\007 -all"
'''
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")
LATIN_SENTENCE = re.compile(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+")


def check(*arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in LOCALES}
    return subprocess.run([house.PROGRAM, "check-dns", *arguments], capture_output=True, text=True, timeout=60,
                          env=dict(clean, PARCELPOST_CONFIG="", **environment))


def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def codes(text):
    return re.findall(r"\b[A-Z0-9]+(?:-[A-Z0-9]+)+\b", text)


def without_records(text):
    """What stands indented by four is a record or a list of codes; a hint in backticks is a command."""
    return "\n".join(re.sub(r"`[^`]*`", "", line) for line in text.split("\n") if not line.startswith("    "))


def compare(*arguments):
    english, chinese = check(*arguments, "--lang", "en"), check(*arguments, "--lang", "zh-CN")
    assert chinese.returncode == english.returncode, (english.returncode, chinese.returncode, chinese.stderr)
    assert chinese.stderr == english.stderr == "", chinese.stderr
    assert codes(chinese.stdout) == codes(english.stdout), (codes(english.stdout), codes(chinese.stdout))
    assert [line for line in chinese.stdout.split("\n") if "^" in line] == \
        [line for line in english.stdout.split("\n") if "^" in line], chinese.stdout
    for line in chinese.stdout.split("\n"):
        assert columns(line) <= 80, (columns(line), line)
        assert not re.match(r" *[，。；：？！）]", line), line
    left = LATIN_SENTENCE.search(without_records(chinese.stdout))
    assert not left, (left.group(0), chinese.stdout)
    return chinese.stdout


def every_report_is_whole_in_chinese():
    with house.House("lang") as h:
        zones = [h.write(f"{i}.zone", text) for i, text in enumerate((BROKEN, EMPTY, CONTROLS))]
        text = compare(*EXAMPLE)
        assert "此域名发出的邮件在收件方能够通过 DMARC 验证" in text and "密钥已被吊销" in text, text
        for zone in zones:
            compare("shop.example", "--zone", zone, "--resolver", "none", "--selector", "s1", "--ip", "198.51.100.7")
            compare("shop.example", "--zone", zone, "--resolver", "none")
            compare("shop.example", "--zone", zone, "--resolver", "none", "--selector", "s1", "--helo", "mx.shop.example",
                    "--mail-from", "other.example")


def nothing_of_a_record_reaches_the_terminal():
    with house.House("lang") as h:
        zone = h.write("controls.zone", CONTROLS)
        for tag in ("en", "zh-CN"):
            done = check("shop.example", "--zone", zone, "--resolver", "none", "--selector", "s1", "--lang", tag)
            bad = [c for c in done.stdout if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
            assert not bad, (bad, done.stdout)


def the_environment_chooses_where_the_option_does_not():
    for environment, is_chinese in (
            ({}, False),
            ({"LANG": "zh_CN.UTF-8"}, True),
            ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, True),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
            ({"LANG": "C.UTF-8", "LANGUAGE": "zh_CN:en"}, True),
            ({"LANG": "C.UTF-8", "LANGUAGE": "en:zh_CN"}, False),
            ({"LANG": "C", "LANGUAGE": "zh_CN"}, False),
            ({"LANG": "zh_TW.UTF-8"}, False)):
        done = check(*EXAMPLE, **environment)
        assert ("建议发布" in done.stdout) == is_chinese and done.stderr == "", (environment, done.stderr)
        assert "建议发布" not in check(*EXAMPLE, "--lang", "en", **environment).stdout, environment


def json_is_english_until_a_language_is_asked_for():
    plain = json.loads(check(*EXAMPLE, "--json", LANG="zh_CN.UTF-8").stdout)
    told = json.loads(check(*EXAMPLE, "--json", "--lang", "zh_CN").stdout)
    assert "lang" not in plain and told["lang"] == "zh-CN", told.get("lang")
    assert plain["findings"][0]["title"] == "The key is revoked" and told["findings"][0]["title"] == "密钥已被吊销", told
    assert [f["code"] for f in plain["findings"]] == [f["code"] for f in told["findings"]]
    assert [f["publish"] for f in plain["findings"]] == [f["publish"] for f in told["findings"]]
    assert json.loads(check(*EXAMPLE, "--json", "--lang", "en").stdout)["lang"] == "en"


def zone_lines_stay_ascii():
    assert check(*EXAMPLE, "--fix", "--lang", "zh-CN").stdout == check(*EXAMPLE, "--fix").stdout


def a_language_that_is_not_there_is_english_and_said_so():
    done, english = check(*EXAMPLE, "--lang", "fr"), check(*EXAMPLE)
    assert done.stdout == english.stdout and done.returncode == english.returncode, done.stdout
    assert len(done.stderr.strip().split("\n")) == 1 and '"fr"' in done.stderr, done.stderr
    assert check(*EXAMPLE, LANG="fr_FR.UTF-8").stderr == ""
    assert check(*EXAMPLE, "--lang", "../zh-CN").returncode == 64


if __name__ == "__main__":
    house.main(every_report_is_whole_in_chinese, nothing_of_a_record_reaches_the_terminal,
              the_environment_chooses_where_the_option_does_not, json_is_english_until_a_language_is_asked_for,
              zone_lines_stay_ascii, a_language_that_is_not_there_is_english_and_said_so)
