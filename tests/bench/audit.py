"""audit -- how long check-dns takes, cold, for a healthy domain when every reply of the DNS takes 100 ms.

The bound is the fewest rounds of questions, each waiting for the one before, that the same questions need."""

import json
import re
import statistics
import time

import house
import relay
from report import Findings

TITLE = "Auditing a domain"
HOLD_MS = 100
WANTED_MS = 1000

# A shop that sends through itself and three hosts, and has its reports read by a fourth.
ZONE = """shop.example MX 10 in1.shop.example
shop.example MX 20 in2.shop.example
shop.example TXT "v=spf1 mx -all"
in1.shop.example A 198.51.100.5
in2.shop.example A 198.51.100.6
mx.shop.example A 198.51.100.7
out.shop.example A 198.51.100.8
mail.shop.example A 198.51.100.9
bounce.shop.example MX 10 in1.shop.example
bounce.shop.example TXT "v=spf1 include:_spf.esp.example include:_spf.desk.example include:_spf.crm.example a:out.shop.example a:mx.shop.example -all"
_spf.esp.example TXT "v=spf1 include:_net.esp.example ip6:2a00:1450:4000::/48 ~all"
_net.esp.example TXT "v=spf1 ip4:198.18.0.0/26 ip4:198.18.1.0/26 ~all"
_spf.desk.example TXT "v=spf1 ip4:198.18.2.0/28 ip4:198.18.2.64/28 -all"
_spf.crm.example TXT "v=spf1 ip4:198.18.3.0/28 -all"
_dmarc.shop.example TXT "v=DMARC1; p=reject; rua=mailto:shop@reports.example"
shop.example._report._dmarc.reports.example TXT "v=DMARC1"
7.100.51.198.in-addr.arpa PTR mx.shop.example
"""
KNOWN = {"shop.example", "bounce.shop.example", "mx.shop.example", "mail.shop.example"}  # by the settings


def key_record(service):
    """The signing key's record as a line of the relay's table."""
    found = re.search(r"^(\S+_domainkey\S+) .*?(TXT) \(?(.*)$", service.run("dkim", "zone").stdout, re.MULTILINE)
    return " ".join(found.groups())


def audit(service, zone, hold_ms):
    """(milliseconds, the relay when all is done)"""
    server = relay.Relay(zone, hold_ms)
    try:
        begin = time.perf_counter()
        done = service.run("check-dns", "shop.example", "--resolver", "127.0.0.1:%d" % server.port, "--json", check=False)
        milliseconds = (time.perf_counter() - begin) * 1000
    finally:
        server.stop()
    report = json.loads(done.stdout)
    if done.returncode != 0 or report["verdict"] != "pass" or report["errors"]:
        raise AssertionError("check-dns of a healthy domain: exit %d\n%s%s" % (done.returncode, done.stdout, done.stderr))
    return milliseconds, server


def measure(run):
    found, times = Findings(), run.pick(3, 9)
    service = house.Service(run.house, 'public_addresses = {"198.51.100.7"}\n', name="audit")
    zone = ZONE + key_record(service)
    runs = [audit(service, zone, HOLD_MS) for _ in range(times)]
    at_once, _ = audit(service, zone, 0)
    taken, server = [ms for ms, _ in runs], runs[0][1]
    rounds = server.rounds(KNOWN)
    found.row("check-dns, cold, %d ms a reply" % HOLD_MS, statistics.median(taken),
              "%d rounds of questions that wait for each other" % rounds, rounds * HOLD_MS, unit=" ms", less_is_better=True)
    found.note("%d questions, %d of them distinct; %.0f to %.0f ms in %d audits (wanted: below %d ms)" % (
        len(server.asked), len(set(server.asked)), min(taken), max(taken), times, WANTED_MS))
    found.note("the same audit takes %.0f ms when replies are not held" % at_once)
    return found
