"""What is personal is nowhere on disk in a readable form: a marker in every personal field is looked for in the data
folder, the WALs and the logs, in plain, base64 (each alignment), quoted-printable, hex and UTF-16."""

import base64
import json
import os
import quopri

import house

MARKER = "zqxmarker7hk"


def forms(text):
    raw = text.encode()
    yield "plain", raw
    yield "upper case", raw.upper()
    yield "hex", raw.hex().encode()
    yield "utf-16", text.encode("utf-16-le")
    yield "quoted-printable", quopri.encodestring(raw)
    yield "quoted-printable, all escaped", "".join("=%02X" % b for b in raw).encode()
    for shift in range(3):  # the middle of a base64 text at each alignment, without the characters the rest decides
        coded = base64.b64encode(b"\0" * shift + raw + b"\0" * 3)
        yield "base64+%d" % shift, coded[4 if shift else 0:(shift + len(raw)) // 3 * 4]


def find_marker(folder, skip=()):
    found, files = [], 0
    needles = list(forms(MARKER))
    for root, dirs, names in os.walk(folder):
        dirs[:] = [d for d in dirs if os.path.join(root, d) not in skip]
        for name in names:
            with open(os.path.join(root, name), "rb") as f:
                content = f.read()
            files += 1
            found += ["%s in %s" % (form, name) for form, needle in needles if needle in content]
    return found, files


def nothing_personal_is_readable_on_disk():
    with house.House("privacy") as h:
        service = h.keep(house.Service(h, 'log_level = "debug"\nretry_first_ms = "1s"\n', arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        text = json.dumps(request)
        assert MARKER not in text
        request["to"] = {"email": MARKER + "@customer.example", "name": "Ada " + MARKER}
        request["data"]["customer"]["name"] = "Ada " + MARKER
        request["metadata"] = {"note": MARKER}
        request["order"] = "order-" + MARKER
        request["parcel"] = "parcel-" + MARKER
        request["reply_to"] = MARKER + "@shop.example"
        request["attachments"] = [{"filename": MARKER + ".txt", "content_type": "text/plain",
                                   "content": base64.b64encode(("label " + MARKER).encode()).decode()}]
        delivered = service.post(key, request, "key-" + MARKER)
        service.wait_state(key, delivered, "delivered")
        for local in ("bounce", "full", "defer", "drop"):  # the receiver's reply repeats the address
            request["to"] = "%s+%s@customer.example" % (local, MARKER)
            request["order"] = local + MARKER
            seen = service.wait_state(key, service.post(key, request, local + MARKER), {"bounced", "deferred", "delivered"})
            if local == "bounce":
                replies = [row.get("reply", "") for row in seen["timeline"]]
                assert any(MARKER in reply for reply in replies), "the server's reply text must hold the marker: %s" % replies
        bad = dict(request, to="two@a.example, %s@b.example" % MARKER)
        assert service.call("POST", "/v1/messages", key, bad)[0] == 422
        service.run("suppressions", "add", "--note", "called " + MARKER, MARKER + "2@customer.example")
        seen = service.message(key, delivered)
        assert MARKER in json.dumps(seen), "with the key it is readable"
        skip = {h.path("captured")}  # what the receiver got is the receiver's
        for moment in ("running", "stopped"):
            found, files = find_marker(h.dir, skip)
            assert not found, (moment, found)
            print("   %s: %d files searched, nothing found" % (moment, files))
            if moment == "running":
                service.stop()
        planted = h.write("planted.log", "x" + base64.b64encode(("ab" + MARKER).encode()).decode())
        assert find_marker(h.dir, skip)[0], "the search itself must be able to find"
        os.unlink(planted)


if __name__ == "__main__":
    house.main(nothing_personal_is_readable_on_disk)
