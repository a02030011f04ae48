"""Who may not be written to: a hard bounce suppresses, one click in a marketing mail suppresses marketing only, both
are asked again at the moment of sending, and the export shows it all."""

import csv
import email
import email.policy
import glob
import io
import json
import urllib.parse

import house


def captured(h, recipient):
    """The mail that the sandbox took for this recipient last."""
    found = None
    with open(h.path("captured", "index.tsv"), newline="") as f:
        for row in csv.reader(f, delimiter="\t"):
            if row[-1] == recipient:
                found = row[2]
    paths = [p for p in glob.glob(h.path("captured", "*.eml")) if found and p.endswith(found)]
    assert len(paths) == 1, (recipient, found, paths)
    with open(paths[0], "rb") as f:
        return email.message_from_bytes(f.read(), policy=email.policy.default)


def post_to(service, key, to, **more):
    return service.post(key, dict(house.example("shipping_notice.json"), to=to, order="o" + to + str(more.get("stream", "")), **more))


def a_hard_bounce_suppresses_the_next_mail(h, service, key):
    first = service.wait_state(key, post_to(service, key, "bounce+1@customer.example"))
    assert (first["state"], first["reason"]) == ("bounced", "user-unknown"), first
    assert "550" in json.dumps(first["timeline"]), first
    request = dict(house.example("refund.de.json"), to="bounce+1@customer.example")
    status, _, answer = service.call("POST", "/v1/messages", key, request)
    assert (status, answer["state"], answer["reason"]) == (202, "suppressed", "hard-bounce"), (status, answer)
    soft = service.wait_state(key, post_to(service, key, "full@customer.example"), "deferred")
    assert soft["reason"] == "mailbox-full", soft
    assert post_to(service, key, "full@customer.example", parcel="second")
    assert "full@" not in service.run("suppressions", "list").stdout, "a full mailbox is no reason to suppress"


def one_click_stops_marketing_only(h, service, key):
    to = "reader@customer.example"
    service.wait_state(key, post_to(service, key, to, stream="marketing"), "delivered")
    mail = captured(h, to)
    url = mail["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and url.startswith("https://mail.shop.example/u/"), url
    signed = mail["DKIM-Signature"].lower()
    assert "list-unsubscribe:" in signed.replace(" ", "") and "list-unsubscribe-post" in signed, signed
    path = urllib.parse.urlsplit(url).path

    for method in ("GET", "HEAD"):
        status, _, page = service.call(method, path)
        assert status == 200, (method, status)
    assert service.run("suppressions", "list").stdout.count(to) == 0, "looking changes nothing"
    status, headers, page = service.call("GET", path, headers={"Accept-Language": "de"})
    assert 'lang="de"' in page and "<form" in page and "<script" not in page and headers["Cache-Control"] == "no-store"

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, _ = service.call("POST", path, body="List-Unsubscribe=One-Click", headers=form)
    assert status == 200, status
    listed = service.run("suppressions", "list").stdout
    assert to in listed and "unsubscribe" in listed, listed
    boundary = "x7"
    again = "--x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x7--\r\n"
    status, _, _ = service.call("POST", path, body=again, headers={"Content-Type": "multipart/form-data; boundary=" + boundary})
    assert status == 200, "repeating is fine"
    assert service.call("POST", "/u/" + "a" * 80, body="List-Unsubscribe=One-Click", headers=form)[0] == 200, "no oracle"

    status, _, answer = service.call("POST", "/v1/messages", key, dict(
        house.example("shipping_notice.json"), to=to, stream="marketing", order="after"))
    assert (answer["state"], answer["reason"]) == ("suppressed", "unsubscribe"), answer
    service.wait_state(key, post_to(service, key, to, parcel="after"), "delivered")


def it_is_asked_again_at_the_moment_of_sending(h, service, key):
    to = "full+later@customer.example"  # the first attempt is deferred, the second would come
    message_id = post_to(service, key, to)
    service.wait_state(key, message_id, "deferred")
    service.run("suppressions", "add", "--note", "asked on the telephone", to)
    seen = service.wait_state(key, message_id)
    assert (seen["state"], seen["reason"]) == ("suppressed", "manual"), seen


def the_export_shows_it(h, service, key):
    done = service.run("suppressions", "export", "--with-addresses")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["reason"] for row in rows} == {"hard-bounce", "unsubscribe", "manual"}, rows
    hashed = service.run("suppressions", "export", "--format", "jsonl").stdout
    assert "customer.example" not in hashed and len(hashed.splitlines()) == len(rows)
    assert done.stdout == service.run("suppressions", "export", "--with-addresses").stdout, "the same rows, the same bytes"
    wrong = service.run("suppressions", "add", "--scope", "newsleter", "x@customer.example", check=False)
    assert wrong.returncode == 64 and "newsleter" in wrong.stderr, "a scope that no mail has would stop nothing"
    assert "transactional, marketing" in wrong.stderr, wrong.stderr
    service.run("suppressions", "lift", "--note", "new address confirmed", "bounce+1@customer.example")
    assert "bounce+1@" not in service.run("suppressions", "list").stdout
    assert "bounce+1@" in service.run("suppressions", "list", "--with-lifted").stdout, "lifted rows stay visible"
    assert "whole" in service.run("journal", "verify").stdout


def suppressions_hold_from_bounce_to_export():
    with house.House("suppression") as h:
        service = h.keep(house.Service(h, 'retry_first_ms = "1s"\n', arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        for step in (a_hard_bounce_suppresses_the_next_mail, one_click_stops_marketing_only,
                     it_is_asked_again_at_the_moment_of_sending, the_export_shows_it):
            step(h, service, key)
            print("   %s" % step.__name__.replace("_", " "))


if __name__ == "__main__":
    house.main(suppressions_hold_from_bounce_to_export)
