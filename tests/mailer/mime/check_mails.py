"""Reads NAME.eml and NAME.json from a folder and checks with Python's email package that each mail says what
the JSON says, and that its bytes keep the rules of RFC 5322, 2045 and 2047."""
import base64
import email
import email.policy
import email.utils
import json
import pathlib
import re
import sys
from datetime import datetime, timezone
from email.header import decode_header, make_header


def structure(part):
    inner = ",".join(structure(p) for p in part.iter_parts()) if part.is_multipart() else ""
    return part.get_content_type() + (f"({inner})" if part.is_multipart() else "")


def check_bytes(raw, eight_bit):
    assert not re.search(b"\r(?!\n)|(?<!\r)\n", raw), "a bare CR or LF"
    if not eight_bit:
        assert all(c in b"\r\n\t" or 32 <= c < 127 for c in raw), "not 7-bit clean"
    header, body = raw.split(b"\r\n\r\n", 1)
    for line in raw.split(b"\r\n"):
        assert len(line) <= 998, line
    for line in header.split(b"\r\n"):
        assert line.strip(), "an empty line in the header"
        assert not line.endswith((b" ", b"\t")), line
        words = line.split()
        if len(line) > 78:  # only where there is nothing to break at
            assert len(words) <= 2, line
        for word in re.findall(rb"=\?UTF-8\?[QB]\?[^?]*\?=", line):
            assert len(word) <= 75, word
            assert len(line) <= 76, line
            kind, text = word[8:9], word[10:-2]
            plain = base64.b64decode(text) if kind == b"B" else \
                re.sub(rb"=(..)", lambda m: bytes([int(m[1], 16)]), text.replace(b"_", b" "))
            plain.decode("utf-8")  # no character is split
    if not eight_bit:
        assert all(len(line) <= 76 for line in body.split(b"\r\n")
                   if not line.lower().startswith(b"content-")), "a long body line"


def address(value):
    """By the older functions: the newer ones of Python 3.11 put spaces between encoded words of a name."""
    name, spec = email.utils.parseaddr(re.sub(r"\r\n", "", value))
    return {"display": str(make_header(decode_header(name))), "spec": spec}


def check(raw, want):
    check_bytes(raw, want["eight_bit"])
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not [d for p in mail.walk() for d in p.defects], [p.defects for p in mail.walk()]
    assert structure(mail) == want["structure"], structure(mail)
    assert mail["Subject"] == want["subject"], mail["Subject"]
    raw_fields = {k.lower(): v for k, v in email.message_from_bytes(raw).items()}
    for field in ("from", "to", "reply_to"):
        header = raw_fields.get(field.replace("_", "-"))
        if want[field]["spec"]:
            assert address(header) == want[field], address(header)
        else:
            assert header is None, header
    assert mail["Date"].datetime == datetime.fromtimestamp(want["date"], timezone.utc)
    assert re.fullmatch(r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000", str(mail["Date"]))
    assert mail["Message-ID"] == f"<{want['message_id']}>"
    assert mail["MIME-Version"] == "1.0"
    for name, value in want["more"].items():
        assert mail[name] == value, (name, mail[name])
    links = [f"<{want['url']}>"] * bool(want["url"]) + [f"<mailto:{want['mailto']}>"] * bool(want["mailto"])
    raw_links = raw_fields.get("list-unsubscribe", "")
    assert re.sub(r"\r\n", "", raw_links) == ", ".join(links), raw_links
    assert (mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click") == bool(want["url"])
    assert len(set(k.lower() for k in mail.keys())) == len(mail.keys()), "a field comes twice"

    texts = {p.get_content_type(): p for p in reversed(list(mail.walk())) if p.get_filename() is None}
    for kind in ("plain", "html"):
        if want[kind]:
            got = texts["text/" + kind].get_payload(decode=True).decode("utf-8")
            expected = re.sub("\r?\n", "\r\n", want[kind])
            if not mail.is_multipart() and not expected.endswith("\r\n"):
                expected += "\r\n"
            assert got == expected, (kind, got, expected)
    parts = [p for p in mail.walk() if p.get_content_disposition() in ("attachment", "inline")]
    got = [{"filename": p.get_filename() or "", "type": p.get_content_type(),
            "id": (p["Content-ID"] or "<>")[1:-1], "hex": p.get_payload(decode=True).hex()} for p in parts]
    expected = sorted(want["parts"], key=lambda p: not p["id"])  # inline parts come first
    assert got == expected, (got, expected)


folder = pathlib.Path(sys.argv[1])
wants = sorted(folder.glob("*.json"))
failed = 0
for path in wants:
    try:
        check(path.with_suffix(".eml").read_bytes(), json.loads(path.read_text()))
    except Exception as e:
        failed += 1
        print(f"{path.stem}: {type(e).__name__} {e}", file=sys.stderr)
assert len(wants) == int(sys.argv[2]), f"{len(wants)} mails"
sys.exit(1 if failed else 0)
