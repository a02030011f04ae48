"""Reads pairs of text and quoted-printable ("N M\\n", N octets, M octets) and checks that Python's quopri
decodes the one to the other, and that every line keeps RFC 2045's rules."""
import quopri
import re
import sys

data = open(sys.argv[1], "rb").read()
at = count = 0
while at < len(data):
    end = data.index(b"\n", at)
    n, m = map(int, data[at:end].split())
    text = data[end + 1 : end + 1 + n]
    coded = data[end + 1 + n : end + 1 + n + m]
    at = end + 1 + n + m
    count += 1
    wanted = re.sub(b"\r?\n", b"\r\n", text)
    assert quopri.decodestring(coded) == wanted, (count, text, coded)
    assert b"=_" not in coded, (count, coded)
    assert all(c in b"\r\n\t" or 32 <= c < 127 for c in coded), (count, coded)
    assert not re.search(b"\r(?!\n)|(?<!\r)\n", coded), (count, coded)
    for line in coded.split(b"\r\n"):
        assert len(line) <= 76, (count, line)
        assert not line.endswith((b" ", b"\t")), (count, line)
        assert not line.startswith((b".", b"From ")), (count, line)
assert count >= 1000, count
