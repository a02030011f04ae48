"""pyspf as the peer of test_spf_peer.c, which is also its DNS. Lines on stdin and stdout:
  CHECK ip TAB mail-from TAB helo    a question; answered by any number of
  ASK TYPE name                      to which comes FAIL, or a count and that many lines of data (TXT in hex), and by
  RESULT word TAB explanation
"""

import sys

import spf


def line():
    return sys.stdin.readline().rstrip("\n")


def say(text):
    print(text.encode("ascii", "backslashreplace").decode().replace("\n", "\\n"), flush=True)


def datum(kind, text):
    if kind == "TXT":
        return [bytes.fromhex(text)]
    if kind == "MX":
        preference, name = text.split(" ")
        return (int(preference), name)
    return text


def lookup(name, kind, strict=True, timeout=0):
    say("ASK %s %s" % (kind, name))
    answer = line()
    if answer == "FAIL":
        raise spf.TempError("DNS")
    return [((name, kind), datum(kind, line())) for _ in range(int(answer))]


def check(ip, mail_from, helo):
    query = spf.query(i=ip, s=mail_from, h=helo, receiver="recv.example")
    query.set_default_explanation("")
    result, _, explanation = query.check()
    return result, explanation if result == "fail" else ""


spf.DNSLookup = lookup
while True:
    question = line()
    if not question:
        break
    say("RESULT %s\t%s" % check(*question.split(" ", 1)[1].split("\t")))
