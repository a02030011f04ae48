"""Disks in trouble: they cannot be read or written, or are full.

trouble.c, loaded into the service, makes clocks and files misbehave while it runs. Full disks are real ones: a small
tmpfs, which root alone may mount; without that those tests say that they were left out."""

import contextlib
import errno
import mmap
import os
import re
import struct
import subprocess

import house
from test_life import Shop, recipients

LIBRARY = os.environ.get("PARCELPOST_TROUBLE_LIBRARY", os.path.join(house.TOP, "build", "dev", "tests", "e2e", "libtrouble.so"))
CONF = 'lanes = 4\nretry_first_ms = "500ms"\nretry_max_ms = "1s"\n'


class Trouble:
    """What is wrong with the machine of one service: struct trouble of trouble.c."""

    def __init__(self, h):
        self.path = h.path("trouble")
        self.file = open(self.path, "w+b")
        self.file.truncate(64)
        self.map = mmap.mmap(self.file.fileno(), 64)
        self.put()

    def put(self, wall_ms=0, boot_ms=0, read=0, write=0, file=""):
        self.map[:64] = struct.pack("<qqii40s", wall_ms, boot_ms, read, write, file.encode())

    def start(self, service):
        return service.start(["env", "LD_PRELOAD=" + LIBRARY, "PARCELPOST_TROUBLE=" + self.path])


class Work:
    """Posts mails to new people, remembers what was accepted, and checks at the end that nothing was lost or sent twice."""

    def __init__(self, h, service, key):
        self.h, self.service, self.key, self.accepted = h, service, key, {}
        self.request = house.example("shipping_notice.json")

    def post(self, local="x", **more):
        to = "%s%d@customer.example" % (local, len(self.accepted))
        answer = self.service.call("POST", "/v1/messages", self.key, dict(self.request, to=to, order=to, **more))
        if answer[0] == 202:
            self.accepted[to] = answer[2]["id"]
        return answer

    def take(self, n):
        for _ in range(n):
            status, _, answer = self.post()
            assert status == 202, answer

    def is_refused(self):
        """Asks for what was accepted, and posts once more."""
        for message_id in list(self.accepted.values())[:20]:
            self.service.call("GET", "/v1/messages/" + message_id, self.key)
        status, headers, answer = self.post()
        if status != 202:
            assert status == 503 and answer["code"] == "store-unavailable" and "Retry-After" in headers, answer
        return status == 503

    def is_red(self):
        assert self.service.call("GET", "/healthz")[0] == 200
        return self.service.call("GET", "/readyz")[0] == 503

    def expect_refusal(self, words, round):
        """Posts until one is refused; then readiness is red, and the log has one line that says why."""
        house.wait_for("a refusal", self.is_refused)
        assert self.is_red()
        said = house.wait_for("the log", lambda: re.findall(r" store-trouble .*", self.service.process.text())[round:])
        assert len(said) == 1 and re.search(words, said[0]), said

    def expect_recovery(self, round=None):
        """Without a round, the log may have lost lines."""
        told = lambda: re.findall(r" (store-\w+) ", self.service.process.text())
        house.wait_for("readiness", lambda: self.service.call("GET", "/readyz")[0] == 200)
        house.wait_for("the log", lambda: told()[-1:] != ["store-trouble"] if round is None else told().count("store-well") == round + 1)
        self.take(3)

    def expect_all_once(self):
        house.wait_for("all to be delivered", lambda: self.service.counts()["delivered"] >= len(self.accepted), 60, 0.2)
        copies = recipients(self.h)
        for to, message_id in self.accepted.items():
            assert self.service.message(self.key, message_id)["state"] == "delivered", to
        assert max(copies.values()) == 1 and set(copies) == set(self.accepted), copies.most_common(3)
        assert "whole" in self.service.run("journal", "verify").stdout


def reads_that_fail_stop_intake_until_they_succeed():
    with house.House("reads") as h:
        trouble = Trouble(h)
        service = h.keep(Shop(h, CONF, arguments=["--sandbox"]))
        key = (trouble.start(service), service.key())[1]
        work = Work(h, service, key)
        work.take(20)
        for round, file in enumerate(("queue.db", "keys.db")):
            house.wait_for("all to be delivered", lambda: service.counts()["delivered"] == len(work.accepted))
            service.stop()
            trouble.start(service)  # with nothing in memory
            trouble.put(read=errno.EIO, file=file)
            work.expect_refusal("I/O", round)
            assert file == "queue.db" or "keys.db cannot be read" in service.process.text()
            trouble.put()
            work.expect_recovery(round)
        work.expect_all_once()


def a_disk_that_turns_read_only_stops_intake_until_it_is_mended():
    with house.House("readonly") as h:
        trouble = Trouble(h)
        service = h.keep(Shop(h, CONF, arguments=["--sandbox"]))
        key = (trouble.start(service), service.key())[1]
        work = Work(h, service, key)
        work.take(20)
        for round, (number, file) in enumerate(((errno.EROFS, "service-data"), (errno.EIO, "keys.db"), (errno.ENOSPC, "queue.db-wal"))):
            trouble.put(write=number, file=file)
            work.expect_refusal("full" if number == errno.ENOSPC else "I/O|read-?only", round)
            trouble.put()
            work.expect_recovery(round)
        work.expect_all_once()


# ---- small disks ----


@contextlib.contextmanager
def small_disk(path, size, *options):
    os.makedirs(path, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("size=" + size, "mode=0755") + options), "parcelpost-test", path],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print("   left out: no file system may be mounted here (%s)" % done.stderr.strip())
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    """To the last byte."""
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as f:
        while f.write(b"\0" * 4096):
            pass


def a_full_disk_with_log_and_data_loses_nothing():
    with house.House("full") as h, small_disk(h.path("disk"), "12m") as mounted:
        if not mounted:
            return
        # Settings, data and log of a service of this name lie on the small disk; what is received does not.
        service = h.keep(Shop(h, CONF + 'captured_dir = "%s"\n' % h.path("captured"), arguments=["--sandbox"], name="disk/service"))
        key = (service.start(), service.key())[1]
        work = Work(h, service, key)
        work.take(30)
        for _ in range(2):
            # What becomes free is taken at once. There may be no room for the log's line, either.
            house.wait_for("a full disk", lambda: fill(h.path("disk", "ballast")) or work.is_refused() and work.is_red())
            os.remove(h.path("disk", "ballast"))
            work.expect_recovery()
        # It fills itself, as one does at night: the log of the database cannot be written back any more.
        fill(h.path("disk", "ballast"))
        os.truncate(h.path("disk", "ballast"), max(0, os.path.getsize(h.path("disk", "ballast")) - 200000))
        house.wait_for("a full disk", lambda: work.is_refused() and work.is_red())
        os.remove(h.path("disk", "ballast"))
        work.expect_recovery()
        work.expect_all_once()
        print("   %d accepted around three full disks, delivered once each" % len(work.accepted))


def a_start_on_a_disk_that_takes_nothing_says_so():
    with house.House("start") as h, small_disk(h.path("service-data"), "1m") as mounted:
        if not mounted:
            return
        service = Shop(h, CONF, arguments=["--sandbox"])
        fill(h.path("service-data", "ballast"))
        done = service.run("serve", "--sandbox", check=False)
        assert done.returncode >= 64 and h.path("service-data") in done.stderr and "disk is full" in done.stderr, done
        subprocess.run(["mount", "-o", "remount,ro", h.path("service-data")], check=True)
        done = service.run("serve", "--sandbox", check=False)
        assert done.returncode >= 64 and h.path("service-data") in done.stderr and re.search("[Rr]ead-?only", done.stderr), done


if __name__ == "__main__":
    house.main(reads_that_fail_stop_intake_until_they_succeed, a_disk_that_turns_read_only_stops_intake_until_it_is_mended,
               a_full_disk_with_log_and_data_loses_nothing, a_start_on_a_disk_that_takes_nothing_says_so)
