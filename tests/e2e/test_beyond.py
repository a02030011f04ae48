"""check-dns --dnsbl and --probe against a list in a zone file and a real mail server; nothing is delivered."""

import json
import os
import subprocess

import house
import servers

ZONE = r'''$ORIGIN shop.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
@ IN MX 10 mx
mx IN A 127.0.0.1
bounce IN MX 10 mx
bounce IN TXT "v=spf1 ip4:198.51.100.7 -all"
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
'''
LIST = r'''$ORIGIN bl.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
2.0.0.127 IN A 127.0.0.2
7.100.51.198 IN A 127.0.0.4
7.100.51.198 IN TXT "seen in a trap"
'''


def report(service, *arguments):
    done = subprocess.run([house.PROGRAM, "check-dns", "shop.example", *arguments, "--resolver", "none", "--json"],
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, PARCELPOST_CONFIG=service.conf))
    assert done.stdout, (done.returncode, done.stderr)
    return json.loads(done.stdout)


def finding(answer, code):
    found = [f for f in answer["findings"] if f["code"] == code]
    return found[0] if found else None


def not_checked(answer, code):
    return [gap["reason"] for gap in answer["not_checked"] if code in gap["codes"]]


def a_list_is_asked_only_when_named():
    with house.House("beyond") as h:
        service = house.Service(h, conf='public_addresses = {"198.51.100.7"}\n')
        zones = ["--zone", h.write("shop.zone", ZONE), "--zone", h.write("list.zone", LIST)]
        listed = finding(report(service, *zones, "--dnsbl-zone", "bl.example"), "DNSBL-LISTED")
        assert listed and listed["name"] == "198.51.100.7" and listed["evidence"] == "seen in a trap", listed
        plain = report(service, *zones)
        assert not finding(plain, "DNSBL-LISTED") and not not_checked(plain, "DNSBL-LISTED"), plain
        dead = report(service, *zones, "--dnsbl-zone", "dead.shop.example")
        assert not finding(dead, "DNSBL-LISTED") and "test entry" in not_checked(dead, "DNSBL-LISTED")[0], dead


def a_real_server_is_probed_and_gets_no_mail():
    with house.House("beyond") as h:
        tls = servers.certificate(h, "mx.shop.example")
        postfix = servers.Postfix(h, name="mx.shop.example", domains=("shop.example",), tls=tls)
        try:
            zones = ["--zone", h.write("shop.zone", ZONE)]
            conf = 'public_addresses = {"198.51.100.7"}\nsmtp_port = %d\nallow_private_destinations = true\n' % postfix.port
            unknown = report(house.Service(h, conf=conf), *zones, "--probe")
            assert "vouches" in finding(unknown, "STARTTLS-CERTIFICATE")["detail"], unknown
            trusted = report(house.Service(h, conf=conf + 'tls_ca_file = "%s"\n' % tls[0], name="trusting"), *zones, "--probe")
            assert "days" in finding(trusted, "STARTTLS-CERTIFICATE")["detail"], trusted
            assert not finding(trusted, "MX-UNREACHABLE") and not finding(trusted, "STARTTLS-MISSING"), trusted
            closed = report(house.Service(h, conf=conf.replace(str(postfix.port), str(house.free_port())), name="closed"), *zones, "--probe")
            assert "refuses" in finding(closed, "MX-UNREACHABLE")["detail"], closed
            guarded = report(house.Service(h, conf=conf.replace("= true", "= false"), name="guarded"), *zones, "--probe")
            assert "not a public address" in not_checked(guarded, "MX-UNREACHABLE")[0], guarded
            log = postfix.log_text()
            assert "from=<" not in log and "connect from" in log, log
        finally:
            postfix.stop()


if __name__ == "__main__":
    house.main(a_list_is_asked_only_when_named, a_real_server_is_probed_and_gets_no_mail)
