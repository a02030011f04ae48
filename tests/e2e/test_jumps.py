"""A clock that jumps, under trouble.c (see test_trouble.py), and one SIGHUP after another."""

import collections
import email
import email.utils
import glob
import re
import signal
import time

import house
from test_life import Poster, Receiver, Shop, recipients, zone
from test_trouble import CONF, Trouble

DAY_MS = 24 * 3600 * 1000


# ---- the clock ----


def captured_mail(h, to):
    for path in glob.glob(h.path("captured", "*.eml")):
        with open(path, "rb") as f:
            mail = email.message_from_binary_file(f)
        if to in mail["To"]:
            return mail
    raise AssertionError("no mail for %s" % to)


def expect_true_times(mail):
    """Date and the signature's t= are of the time that it really is."""
    now = time.time()
    date = email.utils.parsedate_to_datetime(mail["Date"]).timestamp()
    signed = int(re.search(r"\bt=(\d+);", mail["DKIM-Signature"]).group(1))
    assert abs(date - now) < 300 and abs(signed - now) < 300, (date, signed, now)


def a_clock_that_jumps_harms_no_mail():
    with house.House("clock") as h:
        paper = house.Service(h, name="paper").run("dkim", "zone").stdout
        zones = [h.write("shop.zone", paper), h.write("stall.zone", zone("stall.example"))]
        conf = CONF + "zone_files = {%s}\n" % ", ".join('"%s"' % z for z in zones)
        trouble = Trouble(h)
        service = h.keep(Shop(h, conf, arguments=["--sandbox"]))
        key = (trouble.start(service), service.key())[1]
        receiver = h.keep(Receiver(int(re.findall(r"smtp_port=(\d+)", service.process.text())[-1])))
        receiver.where = "dot"
        receiver.start()
        request = house.example("shipping_notice.json")
        post = lambda to, **more: service.post(key, dict(request, to=to, order=to, **more), idempotency_key="key-" + to)
        in_an_hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        ids = {"leased": post("ada@stall.example"), "later": post("later@customer.example", send_at=in_an_hour),
               "deferred": post("defer@customer.example")}
        house.wait_for("a lease", lambda: receiver.stalled == 1)
        state = lambda name: service.message(key, ids[name])["state"]

        for jump in (10 * DAY_MS, -10 * DAY_MS):
            jumps = service.process.text().count(" clock-jumped ")
            trouble.put(wall_ms=jump)
            # A reload makes the log tell what it would tell within ten seconds.
            house.wait_for("the log", lambda: service.process.child.send_signal(signal.SIGHUP) or service.process.text().count(" clock-jumped ") > jumps, every=0.2)
            assert service.call("GET", "/readyz")[0] == 200
            to = "doubt%d@customer.example" % (jump > 0)
            service.wait_state(key, post(to), "delivered")
            expect_true_times(captured_mail(h, to))
            assert post(to) == post(to), "a repeated request is known"
            assert state("later") == "queued" and state("leased") in ("sending", "leased"), (state("later"), state("leased"))
            backs = service.process.text().count(" clock-jump-taken-back")
            trouble.put()
            house.wait_for("the log", lambda: service.process.child.send_signal(signal.SIGHUP) or service.process.text().count(" clock-jump-taken-back") > backs, every=0.2)
        service.wait_state(key, ids["deferred"], "delivered")

        # It stands: five minutes go by on both clocks, and it is followed. Nothing that is leased comes back by it.
        trouble.put(wall_ms=2 * DAY_MS)
        house.wait_for("doubt", lambda: service.process.child.send_signal(signal.SIGHUP) or service.process.text().count(" clock-jumped ") == 3, every=0.2)
        trouble.put(wall_ms=2 * DAY_MS + 301000, boot_ms=301000)
        house.wait_for("the log", lambda: service.process.child.send_signal(signal.SIGHUP) or " clock-jump-followed by_ms=17" in service.process.text(), every=0.2)
        service.wait_state(key, ids["later"], "delivered")  # two days later an hour has passed
        assert state("leased") in ("sending", "leased")
        assert post("doubt1@customer.example") == post("doubt1@customer.example")

        service.kill()
        receiver.stop()
        trouble.start(service)
        taken = receiver.taken
        receiver = h.keep(Receiver(int(re.findall(r"smtp_port=(\d+)", service.process.text())[-1])))
        receiver.start()
        service.wait_state(key, ids["leased"], "delivered")
        events = [row["event"] for row in service.message(key, ids["leased"])["timeline"]]
        assert events.count("unsure") == 1, events
        copies = recipients(h)
        assert max(copies.values()) == 1 and (taken + receiver.taken)["ada@stall.example"] == 2, (copies, taken, receiver.taken)
        assert service.counts()["expired"] == 0


# ---- reloads ----


def reloads_in_a_row_leave_nothing_behind():
    with house.House("hups") as h:
        service = h.keep(Shop(h, CONF, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        posters = [Poster(service, key, "p%d" % n, 0.01) for n in range(2)]
        for p in posters:
            p.start()
        generations = lambda: int(re.search(r"^parcelpost_generations (\d+)$", service.call("GET", "/metrics")[2], re.M).group(1))
        done = lambda word: service.process.text().count(word)
        for n in range(60):
            wanted = done(" service-reloaded ") + 1
            service.process.child.send_signal(signal.SIGHUP)
            house.wait_for("a reload", lambda: done(" service-reloaded ") >= wanted, every=0.005)
        # Bad settings: the old ones stay, and the log names the field.
        service.change("lanes = 4", 'lanes = "many"')
        said = service.hup("service-reload-failed")
        assert re.search(r"settings-fault at=\S*service.conf:\d+ .*lanes", said), said
        service.change('lanes = "many"', "lanes = 4")
        for p in posters:
            p.end()
        assert not [p.error for p in posters if p.error], [p.error for p in posters]
        accepted = {to: i for p in posters for to, i in p.accepted.items()}
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] == len(accepted), 60, 0.2)
        assert recipients(h) == collections.Counter(accepted.keys()), "each one once"
        house.wait_for("old generations to go", lambda: generations() == 1)
        # Reloads that come into the end do not hold it up.
        child = service.process.child
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            child.send_signal(number)
        assert child.wait(30) == 0
        assert done(" service-stopped") == 1


if __name__ == "__main__":
    house.main(a_clock_that_jumps_harms_no_mail, reloads_in_a_row_leave_nothing_behind)
