"""A real Postfix that refuses some mails at MAIL (too large), some at RCPT and takes the rest, while MAIL, RCPT and DATA come to it
in one go, in clear and over STARTTLS: each mail ends as it was answered, and what was taken is there once."""

import base64
import os

import house
import servers
import test_road

LIMIT = 60000
REFUSES = """message_size_limit = %d
smtpd_recipient_restrictions = check_recipient_access inline:{{nobody@customer.example = 550 5.1.1 no such mailbox}},
  reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining
""" % LIMIT
KINDS = ("taken", "large", "nobody") * 5 + ("taken",) * 5


def request_of(kind, number):
    request = house.example("shipping_notice.json")
    request.update(order="o%d" % number, parcel="p%d" % number, to="buyer%d@customer.example" % number)
    if kind == "nobody":
        request["to"] = "nobody@customer.example"
    if kind == "large":
        request["attachments"] = [{"filename": "label.pdf", "content_type": "application/pdf",
                                   "content": base64.b64encode(os.urandom(LIMIT)).decode()}]
    return request


def each_mail_ends_as_it_was_answered(tls):
    with house.House("refused") as h:
        zone = test_road.zone_of(h, keys=("rsa",))
        nsd = h.keep(servers.Nsd(h, {"shop.example.": zone, "customer.example.": test_road.world()}))
        certificate = servers.certificate(h, "mx.customer.example") if tls else None
        postfix = h.keep(servers.Postfix(h, tls=certificate, main=REFUSES))
        service = h.keep(house.Service(h, test_road.settings(nsd, postfix) + "lanes = 2\n"))
        key = (service.start(), service.key())[1]
        ids = [service.post(key, request_of(kind, number)) for number, kind in enumerate(KINDS)]
        for kind, message_id in zip(KINDS, ids):
            seen = service.wait_state(key, message_id)
            wanted = ("delivered",) if kind == "taken" else ("bounced", "suppressed") if kind == "nobody" else ("bounced",)
            assert seen["state"] in wanted, (kind, seen)
        taken = KINDS.count("taken")
        house.wait_for("Postfix to have stored them", lambda: postfix.delivered() >= taken)
        log = postfix.log_text()
        assert postfix.delivered() == taken and len(postfix.mails()) == taken
        assert ("TLS connection established" in log) == tls
        assert log.count("exceeds fixed limit") + log.count("message file too big") >= 1, log
        assert "improper command pipelining" not in log.lower(), log
        print("   %s: %d taken once each, %d too large, %d to nobody; refused at MAIL and at RCPT" % (
            "over STARTTLS" if tls else "in clear", taken, KINDS.count("large"), KINDS.count("nobody")))


def postfix_refuses_in_clear():
    each_mail_ends_as_it_was_answered(False)


def postfix_refuses_over_starttls():
    each_mail_ends_as_it_was_answered(True)


if __name__ == "__main__":
    house.main(postfix_refuses_in_clear, postfix_refuses_over_starttls)
