"""The whole road against real software: NSD answers for the DNS, Postfix receives over STARTTLS and counts."""

import house
import servers
import verifiers

MAILS = 40


def world(port_of_mail_host="127.0.0.1"):
    return """$ORIGIN customer.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
@ IN MX 10 mx
mx IN A %s
""" % port_of_mail_host


def settings(nsd, postfix):
    return """resolvers = {"127.0.0.1:%d"}
smtp_port = %d
allow_private_destinations = true
public_addresses = {"192.0.2.25"}
retry_first_ms = "1s"
""" % (nsd.port, postfix.port)


def zone_of(h, keys=("rsa", "ed25519")):
    """What `parcelpost dkim zone` says to publish, from settings without any server."""
    return house.Service(h, keys=keys, name="paper").run("dkim", "zone").stdout


def check_signatures(h, mail, zone):
    """Both signatures pass everywhere; a mail with one byte changed fails everywhere."""
    assert verifiers.dkimpy(mail, zone) == [True, True], verifiers.dkimpy(mail, zone)
    assert verifiers.mail_dkim(mail, zone, h) == [True]
    passed, text = verifiers.opendkim(mail, zone, h)
    assert passed and all(passed), text
    head, separator, body = mail.partition(b"\n\n")
    at = len(body) // 2
    while not chr(body[at]).isalpha():
        at += 1
    for altered in (head + separator + body[:at] + (b"x" if body[at:at + 1] != b"x" else b"y") + body[at + 1:],
                    mail.replace(b"\nSubject: ", b"\nSubject: x", 1)):
        assert altered != mail
        assert not any(verifiers.dkimpy(altered, zone))
        assert not any(verifiers.mail_dkim(altered, zone, h))
        assert not any(verifiers.opendkim(altered, zone, h)[0])


def mails_arrive_over_starttls_and_verify():
    with house.House("road") as h:
        zone = zone_of(h)
        nsd = h.keep(servers.Nsd(h, {"shop.example.": zone, "customer.example.": world()}))
        postfix = h.keep(servers.Postfix(h, tls=servers.certificate(h, "mx.customer.example")))
        service = h.keep(house.Service(h, settings(nsd, postfix), keys=("rsa", "ed25519")))
        key = (service.start(), service.key())[1]
        ids = []
        for number in range(MAILS):
            request = house.example(("shipping_notice.json", "refund.de.json", "delay_apology.bounce.json")[number % 3])
            request.update(to="Jürgen Größe <buyer%d@customer.example>" % number, order="o%d" % number, parcel="p%d" % number)
            ids.append(service.post(key, request, "road-%d" % number))
        for message_id in ids:
            service.wait_state(key, message_id, "delivered")
        house.wait_for("Postfix to have stored all", lambda: postfix.delivered() >= MAILS)
        log = postfix.log_text()
        assert postfix.delivered() == MAILS, postfix.delivered()
        assert log.count("TLS connection established from") >= 1
        assert "<b+" not in log.replace("from=<b+", ""), "the reverse-path is a token"
        mails = postfix.mails()
        assert all(b"with ESMTPS" in mail for mail in mails)
        for mail in mails[:3]:
            check_signatures(h, mail, zone)
        connections = log.count("disconnect from")
        print("   %d mails delivered by Postfix's log, over %d connections, all with TLS; signatures verified by "
              "dkimpy, Mail::DKIM and opendkim" % (postfix.delivered(), connections))


def a_smart_host_takes_them_with_auth():
    with house.House("relay") as h:
        zone = zone_of(h)
        nsd = h.keep(servers.Nsd(h, {"shop.example.": zone, "relay.example.": world().replace("customer", "relay") + "@ IN A 127.0.0.1\n"}))
        certificate = servers.certificate(h, "relay.example")
        postfix = h.keep(servers.Postfix(h, name="relay.example", tls=certificate, users={"acme": "s3cret pass"}))
        h.write("relay.password", "s3cret pass\n", 0o600)
        conf = settings(nsd, postfix) + 'tls_ca_file = "%s"\n' % certificate[0]
        smart = 'smart_host "relay" {\n host = "relay.example"\n port = %d\n user = "acme@relay.example"\n password_file = "%s"\n}\n' % (
            postfix.port, h.path("relay.password"))
        service = h.keep(house.Service(h, conf + smart, 'smart_host = "relay"\n', keys=("rsa", "ed25519")))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        request["to"] = "buyer@customer.example"
        service.wait_state(key, service.post(key, request), "delivered")
        house.wait_for("Postfix to have stored it", lambda: postfix.delivered() == 1)
        log = postfix.log_text()
        assert "sasl_method=PLAIN" in log or "sasl_method=LOGIN" in log, log
        assert "s3cret" not in service.process.text()

        h.write("relay.password", "wrong\n", 0o600)
        service.stop()
        service.start()
        request["order"] = "another"
        seen = service.wait_state(key, service.post(key, request), "deferred")
        assert postfix.delivered() == 1, "nothing may go without AUTH"
        assert "auth" in str(seen["timeline"][-1]).lower(), seen["timeline"][-1]
        print("   1 mail with AUTH over verified STARTTLS; with a wrong password it waits, and nothing was sent")


def a_wrong_dkim_record_holds_until_the_zone_is_repaired():
    with house.House("hold") as h:
        right = zone_of(h, keys=("rsa",))
        other = house.House("other")
        with other:
            wrong = zone_of(other, keys=("rsa",))
        nsd = h.keep(servers.Nsd(h, {"shop.example.": wrong.replace("300 IN", "5 IN"), "customer.example.": world()}))
        postfix = h.keep(servers.Postfix(h, tls=servers.certificate(h, "mx.customer.example")))
        service = h.keep(house.Service(h, settings(nsd, postfix)))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        request["to"] = "buyer@customer.example"
        ids = []
        for number in range(3):
            request["order"] = "held-%d" % number
            ids.append(service.post(key, request))
        for message_id in ids:
            seen = service.wait_state(key, message_id, "held")
            assert seen["reason"] == "gate:DKIM-KEY-MISMATCH", seen
        assert postfix.delivered() == 0
        nsd.change("shop.example.", right.replace(" 1 3600 600 86400", " 2 3600 600 86400"))
        for message_id in ids:
            seen = service.wait_state(key, message_id, "delivered", seconds=90)
            assert [row["event"] for row in seen["timeline"]].count("released") == 1
        house.wait_for("Postfix to have stored them", lambda: postfix.delivered() == 3)
        print("   3 mails held for DKIM-KEY-MISMATCH, released by themselves after the repair, delivered")


if __name__ == "__main__":
    house.main(mails_arrive_over_starttls_and_verify, a_smart_host_takes_them_with_auth,
               a_wrong_dkim_record_holds_until_the_zone_is_repaired)
