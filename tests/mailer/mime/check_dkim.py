"""Verifies every NAME.WANT.eml of a folder with dkimpy: each signature must pass (WANT is "pass") or each
must fail ("fail"). Keys come from the file "keys" there: a name, a space, the TXT record."""
import pathlib
import sys

import dkim

folder = pathlib.Path(sys.argv[1])
keys = dict(line.split(" ", 1) for line in (folder / "keys").read_text().splitlines())


def txt(name, timeout=5):
    return keys[name.decode().rstrip(".")].encode()


def passes(raw, index):
    try:
        return dkim.DKIM(raw).verify(idx=index, dnsfunc=txt)
    except dkim.DKIMException:
        return False


mails = sorted(folder.glob("*.eml"))
wrong = 0
for path in mails:
    raw, wanted = path.read_bytes(), path.suffixes[-2] == ".pass"
    n = raw.lower().split(b"\r\n\r\n")[0].count(b"dkim-signature:")
    got = [passes(raw, i) for i in range(n)]
    if n != 2 or got != [wanted] * n:
        wrong += 1
        print(f"dkimpy: {path.name}: {got}", file=sys.stderr)
assert len(mails) == int(sys.argv[2]), f"{len(mails)} mails"
sys.exit(1 if wrong else 0)
