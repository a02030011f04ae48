"""The service's life: SIGHUP under load, SIGTERM with receivers that stall, a copy taken at work and put back.

Counts come from the receivers: the sandbox's index, and a mail server of this test on another loopback address that stalls
where it is told to."""

import collections
import csv
import http.client
import json
import os
import re
import resource
import signal
import socket
import threading
import time

import house

GRACE = 15  # seconds, GRACE_MS of service_open.c
SLACK = 15  # a busy machine


def zone(name):
    return "$ORIGIN %s.\n$TTL 60\n@ IN SOA ns h 1 1 1 1 1\n@ IN NS ns\n@ IN MX 10 mx\nmx IN A 127.0.0.2\n" % name


def recipients(h):
    """How often the sandbox took a mail for whom."""
    copies = collections.Counter()
    if os.path.exists(h.path("captured", "index.tsv")):
        with open(h.path("captured", "index.tsv"), newline="") as f:
            for row in csv.reader(f, delimiter="\t"):
                copies[row[-1]] += 1
    return copies


class Poster(threading.Thread):
    """Posts on one connection that it never opens again: a connection that is dropped ends it with an error."""

    def __init__(self, service, key, name, pause=0.0):
        super().__init__(daemon=True)
        self.service, self.key, self.name, self.pause = service, key, name, pause
        self.accepted, self.error, self.ending = {}, None, False

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        connection.connect()
        connection.auto_open = 0
        number = 0
        try:
            while not self.ending:
                to = "%s.%d@customer.example" % (self.name, number)
                number += 1
                body = json.dumps(dict(house.example("shipping_notice.json"), to=to, order=to))
                connection.request("POST", "/v1/messages", body,
                                   {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 202, (answer.status, text)
                self.accepted[to] = json.loads(text)["id"]
                time.sleep(self.pause)
        except Exception as e:
            self.error = e
        finally:
            connection.close()

    def end(self):
        self.ending = True
        self.join(60)


class Receiver(threading.Thread):
    """A mail server that stalls at `where`: "greeting", "dot" (the body is out, no answer comes), or "nowhere"."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.2", port), backlog=256)
        self.where, self.stalled, self.taken = "nowhere", 0, collections.Counter()

    def run(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stall(self, connection):
        self.stalled += 1
        while connection.recv(65536):
            pass

    def serve(self, connection):
        try:
            if self.where == "greeting":
                return self.stall(connection)
            lines = connection.makefile("rb")
            answer = lambda text: connection.sendall(text + b"\r\n")
            answer(b"220 mx ready")
            to = ""
            while line := lines.readline():
                word = line[:4].upper()
                if word == b"RCPT":
                    to = re.search(rb"<(.*?)>", line).group(1).decode()
                if word != b"DATA":
                    answer(b"250 fine")
                    continue
                answer(b"354 go on")
                while lines.readline() != b".\r\n":
                    pass
                self.taken[to] += 1
                if self.where == "dot":
                    return self.stall(connection)
                answer(b"250 taken")
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.server.close()


class Shop(house.Service):
    """A sandbox service whose settings can be changed while it runs."""

    def change(self, old, new):
        with open(self.conf, encoding="utf-8") as f:
            text = f.read()
        assert old in text, old
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def hup(self, says):
        """Sends SIGHUP and waits until the log has a new line that says so; what was logged since."""
        before = len(self.process.text())
        self.process.child.send_signal(signal.SIGHUP)
        return house.wait_for("the log to say " + says, lambda: says in self.process.text()[before:] and self.process.text()[before:])

    def counts(self):
        counts = json.loads(self.run("queue", "stats", "--json").stdout)
        del counts["held_for"]
        return counts


def captured_for(h, to):
    """The text of the mail for this recipient."""
    with open(h.path("captured", "index.tsv"), newline="") as f:
        name = [row for row in csv.reader(f, delimiter="\t") if row[-1] == to][0]
    path = next(p for p in (h.path("captured", word) for word in name) if os.path.isfile(p))
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def reloads_drop_no_connection_and_lose_no_message():
    with house.House("reload") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        posters = [Poster(service, key, "p%d" % n, 0.005) for n in range(4)]
        for p in posters:
            p.start()
        names = ["Acme Outdoor", "Acme Indoor"]
        for n in range(20):
            service.change('name = "%s"' % names[n % 2], 'name = "%s"' % names[(n + 1) % 2])
            service.hup("service-reloaded generation=%d" % (n + 1))
        for p in posters:
            p.end()
        assert not [p.error for p in posters if p.error], [p.error for p in posters]
        accepted = {to: i for p in posters for to, i in p.accepted.items()}
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] == len(accepted), 120, 0.3)
        assert recipients(h) == collections.Counter(accepted.keys()), "each one once"
        house.wait_for("/metrics to count them", lambda: 'parcelpost_messages{state="delivered"} %d\n' % len(accepted) in service.call("GET", "/metrics")[2])
        print("   20 reloads, 4 connections kept, %d messages delivered once each" % len(accepted))


def all_give_way_to_the_threads_that_write():
    with house.House("first") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        service.start()
        task = "/proc/%d/task" % service.process.child.pid
        nice = collections.defaultdict(list)
        for thread in os.listdir(task):
            name, rest = re.match(r"\d+ \((.*)\) (.*)", open("%s/%s/stat" % (task, thread)).read()).groups()
            nice[name.split()[0]].append(int(rest.split()[16]))
        first = min(sum(nice.values(), []))
        assert set(nice["lane"] + nice["MHD-worker"]) == {first + 2} and len(nice["lane"]) == 4, nice
        assert nice["parcelpost"].count(first) >= 2, nice  # committer, flusher


def a_mail_keeps_the_settings_that_it_was_accepted_with():
    with house.House("keeps") as h:
        service = h.keep(Shop(h, 'lanes = 4\nretry_first_ms = "2s"\n', arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        old = service.post(key, dict(request, to="defer@customer.example", order="a"))  # it waits before it is rendered again
        service.wait_state(key, old, "deferred")
        service.change('name = "Acme Outdoor"', 'name = "Zenith Indoor"')
        service.hup("service-reloaded generation=1")
        new = service.post(key, dict(request, to="new@customer.example", order="b"))
        service.wait_state(key, new, "delivered")
        service.wait_state(key, old, "delivered")
        assert "Zenith Indoor" in captured_for(h, "new@customer.example")
        assert "Zenith Indoor" not in captured_for(h, "defer@customer.example")


def a_fault_is_told_with_its_line_and_changes_nothing():
    with house.House("fault") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        _, _, metrics = service.call("GET", "/metrics")
        assert 'parcelpost_reloads_total{outcome="done"} 0' in metrics and 'parcelpost_reloads_total{outcome="refused"} 0' in metrics
        service.change("lanes = 4", "lans = 4")
        said = service.hup("service-reload-failed")
        line = [n for n, text in enumerate(open(service.conf, encoding="utf-8"), 1) if text.startswith("lans")][0]
        assert said.count("settings-fault") == 1 and said.count("service.conf:%d" % line) == 1, said
        request = house.example("shipping_notice.json")
        service.wait_state(key, service.post(key, dict(request, to="one@customer.example", order="a")), "delivered")
        service.change("lans = 4", "lanes = 5\nhostname = other.example")
        service.change('hostname = "mx.shop.example"\n', "")
        said = service.hup("service-reloaded generation=1")
        assert "setting-needs-restart setting=lanes" in said and said.count("needs-restart") == 1, said
        _, _, metrics = service.call("GET", "/metrics")
        assert 'parcelpost_reloads_total{outcome="done"} 1' in metrics and 'parcelpost_reloads_total{outcome="refused"} 1' in metrics


def sigterm_ends_in_time_and_loses_nothing():
    with house.House("sigterm") as h:
        paper = house.Service(h, name="paper").run("dkim", "zone").stdout
        stalling = ["stall%d.example" % n for n in range(6)]
        zones = [h.write("shop.zone", paper), *(h.write(name + ".zone", zone(name)) for name in stalling)]
        conf = 'lanes = 8\nretry_first_ms = "1s"\nzone_files = {%s}\n' % ", ".join('"%s"' % z for z in zones)
        service = h.keep(Shop(h, conf, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        accepted, ends = {}, []
        for where in ("greeting", "dot"):
            receiver = h.keep(Receiver(int(re.findall(r"smtp_port=(\d+)", service.process.text())[-1])))
            receiver.where = where
            receiver.start()
            for n in range(24):
                to = "%s%d@%s" % (where, n, stalling[n % len(stalling)])
                accepted[to] = service.post(key, dict(request, to=to, order=to))
            house.wait_for("lanes to be held", lambda: receiver.stalled >= 3, 40)
            posters = [Poster(service, key, "%s.p%d" % (where, n)) for n in range(4)]
            for p in posters:
                p.start()
            house.wait_for("load", lambda: all(len(p.accepted) > 20 for p in posters))
            began = time.monotonic()
            service.process.child.terminate()
            code = service.process.child.wait(GRACE + SLACK)
            ends.append(time.monotonic() - began)
            assert code == 0, code
            for p in posters:
                p.end()
                accepted.update(p.accepted)
            counts = service.counts()
            assert counts["leased"] == 0, counts
            assert "settle-left-to-next-start" not in service.process.text()
            receiver.stop()
            taken = receiver.taken
            service.process = None
            service.start()
        receiver = h.keep(Receiver(int(re.findall(r"smtp_port=(\d+)", service.process.text())[-1])))
        receiver.start()
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] >= len(accepted), 120, 0.5)
        counts = service.counts()
        copies = recipients(h) + receiver.taken + taken
        # A 202 that was lost with the connection is a message too; none that was answered is missing.
        assert sum(counts.values()) == counts["delivered"] and set(accepted) <= set(copies), counts
        doubled = [to for to, n in copies.items() if n > 1]
        for to in doubled:
            assert "unsure" in [row["event"] for row in service.message(key, accepted[to])["timeline"]], to
        print("   ended after %s s, %d accepted, all delivered, %d of them twice and unsure" %
              (" and ".join("%.1f" % e for e in ends), len(accepted), len(doubled)))


def a_copy_taken_at_work_comes_back():
    with house.House("restore") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        posters = [Poster(service, key, "p%d" % n, 0.002) for n in range(4)]
        for p in posters:
            p.start()
        house.wait_for("load", lambda: all(len(p.accepted) > 30 for p in posters))
        before = {to for p in posters for to in p.accepted}
        service.run("backup", h.path("queue-copy"), "--keys", h.path("keys-copy"))
        for p in posters:
            p.end()
        assert not [p.error for p in posters if p.error], [p.error for p in posters]
        refused = service.run("restore", h.path("queue-copy"), "--force", check=False)
        assert refused.returncode == 75 and "a service works on" in refused.stderr, refused
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] == sum(len(p.accepted) for p in posters), 60, 0.3)
        service.stop()
        for name in os.listdir(h.path("service-data")):  # what stays is the mark of a sandbox's folder
            if name.startswith(("queue.db", "keys.db", "flight")):
                os.remove(h.path("service-data", name))
        said = service.run("restore", h.path("queue-copy"), "--keys", h.path("keys-copy")).stdout
        counts = service.counts()
        assert sum(counts.values()) >= len(before) and counts["queued"] == counts["leased"] == 0, counts
        held = "%d %s HELD" % (counts["held"], "is" if counts["held"] == 1 else "are")
        assert held in said or counts["held"] == 0, said
        service.start()
        taken = sum(recipients(h).values())
        if counts["held"] > 0:
            service.run("queue", "release-all", "restored")
        house.wait_for("what was held to be delivered", lambda: service.counts()["held"] == 0 and service.counts()["delivered"] == sum(counts.values()), 60, 0.3)
        assert sum(recipients(h).values()) == taken + counts["held"]
        assert "whole" in service.run("journal", "verify").stdout
        print("   %d in the copy, %d of them held and sent again when told" % (sum(counts.values()), counts["held"]))


def a_disk_that_refuses_stops_intake_and_loses_nothing():
    with house.House("disk") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        accepted, wal = [], h.path("service-data", "queue.db-wal")
        post = lambda: service.call("POST", "/v1/messages", key, dict(request, to="x%d@customer.example" % len(accepted), order=str(len(accepted))))
        while os.path.getsize(wal) < 2000000:
            status, _, answer = post()
            assert status == 202, answer
            accepted.append(answer["id"])
        pid = service.process.child.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        for round in range(2):
            # No file may be written beyond so much, which the log and the small files need: what a full disk is to whoever writes.
            # The database's log could begin anew within its first pages, if what it holds could be written back; it cannot.
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (65536, before[1]))
            status, headers, answer = house.wait_for("a refusal", lambda: (lambda a: a[0] != 202 and a or accepted.append(a[2]["id"]))(post()))
            assert status == 503 and answer["code"] == "store-unavailable" and "Retry-After" in headers, answer
            assert service.call("GET", "/readyz")[0] == 503
            assert service.call("GET", "/healthz")[0] == 200
            house.wait_for("the log", lambda: service.process.text().count(" store-trouble ") == round + 1)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            house.wait_for("readiness", lambda: service.call("GET", "/readyz")[0] == 200)
            house.wait_for("the log", lambda: service.process.text().count(" store-well ") == round + 1)
            status, _, answer = post()
            assert status == 202, answer
            accepted.append(answer["id"])
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] >= len(accepted), 60, 0.3)
        for message_id in accepted:
            assert service.message(key, message_id)["state"] == "delivered"
        assert max(recipients(h).values()) == 1
        assert "whole" in service.run("journal", "verify").stdout


def a_broken_page_stops_intake_and_the_log_names_the_way_out():
    with house.House("broken") as h:
        service = h.keep(Shop(h, "lanes = 4\n", arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        request = house.example("shipping_notice.json")
        ids = [service.post(key, dict(request, to="x%d@customer.example" % n, order=str(n))) for n in range(60)]
        house.wait_for("all to be delivered", lambda: service.counts()["delivered"] == 60, 60, 0.3)
        service.run("backup", h.path("copy"))
        service.stop()
        service.start()
        path = h.path("service-data", "queue.db")
        with open(path, "r+b") as f:
            f.seek(3 * 4096)
            f.write(b"Z" * (os.path.getsize(path) - 3 * 4096))
        house.wait_for("a reader to meet it", lambda: service.call("GET", "/v1/messages/" + ids[0], key)[0] != 200)
        said = house.wait_for("the log", lambda: re.search(r" store-corrupt .*", service.process.text())).group(0)
        assert "parcelpost restore DIR --force" in said, said
        assert service.call("GET", "/readyz")[0] == 503
        assert service.call("POST", "/v1/messages", key, dict(request, to="y@customer.example", order="y"))[0] == 503
        service.stop()
        service.run("restore", h.path("copy"), "--force")
        service.start()
        service.wait_state(key, service.post(key, dict(request, to="z@customer.example", order="z")), "delivered")
        assert service.message(key, ids[0])["state"] == "delivered"


if __name__ == "__main__":
    house.main(reloads_drop_no_connection_and_lose_no_message, all_give_way_to_the_threads_that_write,
               a_mail_keeps_the_settings_that_it_was_accepted_with, a_fault_is_told_with_its_line_and_changes_nothing,
               sigterm_ends_in_time_and_loses_nothing, a_copy_taken_at_work_comes_back,
               a_disk_that_refuses_stops_intake_and_loses_nothing, a_broken_page_stops_intake_and_the_log_names_the_way_out)
