"""Bad input over HTTP: the right 4xx, a pointer to each fault, all faults at once, and the service goes on."""

import copy
import json
import os
import socket

import house

GOOD = house.example("shipping_notice.json")


def changed(path, value):
    body = copy.deepcopy(GOOD)
    at = body
    *parents, last = path.strip("/").split("/")
    for name in parents:
        at = at[name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return body


REFUSED = [  # what, body, pointers that must be named
    ("no recipient", changed("/to", None), {"/to"}),
    ("an empty recipient", changed("/to", ""), {"/to"}),
    ("two recipients in one field", changed("/to", "a@customer.example, b@customer.example"), {"/to"}),
    ("two recipients with a semicolon", changed("/to/email", "a@customer.example;b@customer.example"), {"/to/email"}),
    ("CRLF in the address", changed("/to/email", "a@customer.example\r\nRCPT TO:<b@customer.example>"), {"/to/email"}),
    ("CRLF in the name", changed("/to/name", "Ada\r\nBcc: b@customer.example"), {"/to/name"}),
    ("CRLF in reply_to", dict(GOOD, reply_to="a@shop.example\r\nBcc: b@customer.example"), {"/reply_to"}),
    ("CRLF in a variable of the subject", changed("/data/order/number", "1\r\nBcc: b@customer.example"), {"/data/order/number"}),
    ("LF in a file name", dict(GOOD, attachments=[{"filename": "a\nb.txt", "content_type": "text/plain", "content": "YQ=="}]), {"/attachments/0/filename"}),
    ("CRLF in a content type", dict(GOOD, attachments=[{"filename": "a.txt", "content_type": "text/plain\r\nX: y", "content": "YQ=="}]), {"/attachments/0/content_type"}),
    ("broken base64", dict(GOOD, attachments=[{"filename": "a.txt", "content_type": "text/plain", "content": "%%%"}]), {"/attachments/0/content"}),
    ("an unknown template", changed("/template", "nonsense"), {"/template"}),
    ("a missing variable", changed("/data/order/number", None), {"/data/order/number"}),
    ("a wrong variable", changed("/data/items", "three"), {"/data/items"}),
    ("an amount as a number", changed("/data/items", [{"name": "x", "quantity": 1, "price": {"amount": 12.5, "currency": "EUR"}}]), {"/data/items/0/price/amount"}),
    ("a non-ASCII local part", changed("/to/email", "jürgen@customer.example"), {"/to/email"}),
    ("an unknown field", dict(GOOD, recipient="a@customer.example"), {"/recipient"}),
    ("several faults at once", {"template": "shipping_notice", "to": "nobody", "send_at": "tomorrow", "priority": 11, "data": {}},
     {"/to", "/send_at", "/priority", "/data/customer/name", "/data/order/number", "/data/parcel/carrier", "/data/items"}),
]


def each_fault_is_named(service, key):
    for what, body, pointers in REFUSED:
        status, headers, answer = service.call("POST", "/v1/messages", key, body)
        assert status == 422, (what, status, answer)
        assert headers["Content-Type"] == "application/problem+json", (what, headers)
        named = {fault["pointer"] for fault in answer["errors"]}
        assert pointers <= named, (what, pointers - named, answer)
        assert len(pointers) > 1 or named == pointers, (what, named)
        for fault in answer["errors"]:
            assert fault["code"] and len(fault["detail"]) > 10, (what, fault)


def raw(service, text):
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as s:
        s.sendall(text)
        answer = b""
        try:
            while b"\r\n" not in answer:
                piece = s.recv(4096)
                if not piece:
                    break
                answer += piece
        except ConnectionResetError:
            pass
        return answer.split(b"\r\n", 1)[0].decode("latin-1")


def the_body_itself_is_wrong(service, key):
    cases = [
        ("no JSON", b"{", 400), ("invalid UTF-8", b'{"template": "\xff\xfe"}', 400),
        ("a NUL in a string", b'{"template": "a\\u0000b"}', 400), ("a duplicate key", b'{"to":"a@b.example","to":"c@d.example"}', 400),
        ("deep nesting", b"[" * 100000, 400), ("an array", b"[]", 422), ("nothing", b"", 400),
    ]
    for what, body, wanted in cases:
        status, _, answer = service.call("POST", "/v1/messages", key, body, {"Content-Type": "application/json"})
        assert status == wanted, (what, status, answer)
    status, _, answer = service.call("POST", "/v1/messages", key, "a=b", {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 415, (status, answer)
    first = raw(service, b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() +
                b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (30 << 20))
    assert " 413 " in first, first
    status, _, _ = service.call("POST", "/v1/messages", key, b'{"data":"' + b"x" * (30 << 20) + b'"}', {"Content-Type": "application/json"}) \
        if os.environ.get("WHOLE_BODY") else (413, 0, 0)
    assert status == 413


def keys_open_only_their_own_door(service):
    mine, reader, other = service.key(), service.key("read"), service.key("send,read", "other")
    assert service.call("POST", "/v1/messages", "", GOOD)[0] == 401
    assert service.call("POST", "/v1/messages", "pp_" + "A" * 43, GOOD)[0] == 401
    assert service.call("POST", "/v1/messages", reader, GOOD)[0] == 403
    message_id = service.post(mine, GOOD)
    for method, path in (("GET", "/v1/messages/" + message_id), ("POST", "/v1/messages/%s/cancel" % message_id)):
        assert service.call(method, path, other)[0] == 404, path
    assert service.message(mine, message_id)["id"] == message_id
    revoked = service.key()
    assert service.call("GET", "/v1/messages/" + message_id, revoked)[0] == 200
    listed = service.run("key", "list", "--storefront", "acme").stdout.split("\n")
    newest = [line.split()[0] for line in listed if line.startswith("key_")]
    for key_id in sorted(newest)[-1:]:
        service.run("key", "revoke", key_id, "--storefront", "acme")
    assert service.call("GET", "/v1/messages/" + message_id, revoked)[0] == 401, "a revoked key stops at once"


def repeats_are_told_from_conflicts(service, key):
    first = service.post(key, dict(GOOD, order="r1"), "same-key")
    assert service.post(key, dict(GOOD, order="r1"), "same-key") == first
    status, _, answer = service.call("POST", "/v1/messages", key, dict(GOOD, order="r2"), {"Idempotency-Key": "same-key"})
    assert status == 409, (status, answer)


def the_service_refuses_well_and_goes_on():
    with house.House("bad-input") as h:
        second = '''}
storefront "other" {
    from = "Other <orders@other.example>"
    return_path_domain = "bounce.other.example"
    dkim "rsa" { key_file = "%s" }
'''
        service = house.Service(h, arguments=["--sandbox"])
        with open(service.conf, "a") as f:
            f.write((second % h.path("rsa.pem")).lstrip("}\n") + "}\n")
        h.keep(service)
        service.start()
        key = service.key()
        each_fault_is_named(service, key)
        the_body_itself_is_wrong(service, key)
        keys_open_only_their_own_door(service)
        repeats_are_told_from_conflicts(service, key)
        last = dict(GOOD, order="last")
        service.wait_state(key, service.post(key, last), "delivered")
        print("   %d kinds of faults refused with pointers; the service went on and delivered" % len(REFUSED))


def a_folder_belongs_to_the_sandbox_or_to_a_service():
    with house.House("guard") as h:
        service = house.Service(h, arguments=["--sandbox"])
        key = service.key()  # a key before the first start is no mail
        h.keep(service)
        service.start()
        service.wait_state(key, service.post(key, GOOD), "delivered")
        service.stop()
        refused = service.run("serve", check=False)
        assert refused.returncode != 0 and "holds mail of a sandbox" in refused.stderr, refused
        service.start()
        service.stop()
        os.unlink(h.path("service-data", "sandbox", "here"))
        refused = service.run("serve", "--sandbox", check=False)
        assert refused.returncode != 0 and "holds mail of a service" in refused.stderr, refused


def a_sandbox_keeps_what_commands_queue_for_a_smart_host():
    with house.House("relayed") as h, socket.create_server(("127.0.0.3", 0)) as relay:
        paper = house.Service(h, name="paper").run("dkim", "zone").stdout  # a zone in which the relay can be found
        zone = h.write("shop.zone", paper + "relay IN A 127.0.0.3\n")
        h.write("relay.password", "secret\n", 0o600)
        conf = 'zone_files = {"%s"}\nsmart_host "relay" {\n host = "relay.shop.example"\n port = %d\n user = "u"\n password_file = "%s"\n}\n' % (
            zone, relay.getsockname()[1], h.path("relay.password"))
        service = h.keep(house.Service(h, conf, 'smart_host = "relay"\n', arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        sent = json.loads(service.run("send", h.write("mail.json", json.dumps(GOOD))).stdout)["id"]
        relay.setblocking(False)

        def outcome():
            try:
                return "the real relay was dialled by %s" % (relay.accept()[1],)
            except BlockingIOError:
                state = service.message(key, sent)["state"]
                return state if state in ("delivered", "deferred") else None

        found = house.wait_for("the mail to go anywhere", outcome)
        assert found == "delivered", found


if __name__ == "__main__":
    house.main(the_service_refuses_well_and_goes_on, a_folder_belongs_to_the_sandbox_or_to_a_service,
               a_sandbox_keeps_what_commands_queue_for_a_smart_host)
