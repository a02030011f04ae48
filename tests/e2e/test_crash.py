"""kill -9 at random moments: what got a 202 ends delivered, and a duplicate was announced as unsure.

Half of the kills come from outside at random times; half come from strace, which sends SIGKILL at the entry of a chosen
fdatasync, so that they fall between the commit of keys.db and that of queue.db, or before either is on disk.
Requests go out from several threads without a pause; the service is killed and started again and again, and reads its settings anew
several times a second. Each tenth mail is put off by its receiver twice, so that retries are under way at each kill. A request that
got no answer is repeated with its Idempotency-Key, as a shop would. Counts come from the receiver's index."""

import collections
import csv
import os
import random
import signal
import threading
import time

import house

SUBMITS = int(os.environ.get("CRASH_SUBMITS", "2000"))
KILLS = int(os.environ.get("CRASH_KILLS", "20"))
CLIENTS = 4
LANES = 8
PUT_OFF = 10  # each so-manyth


def recipient(number):
    return "%s+%d@customer%d.example" % ("buyer" if number % PUT_OFF else "defer", number, number % 7)


class Shop(threading.Thread):
    """Posts numbers from a shared list until each has a 202."""

    def __init__(self, service, key, numbers, accepted, request):
        super().__init__(daemon=True)
        self.service, self.key, self.numbers, self.accepted, self.request = service, key, numbers, accepted, request

    def run(self):
        while True:
            try:
                number = self.numbers.pop()
            except IndexError:
                return
            body = dict(self.request, to=recipient(number), order="o%d" % number)
            while number not in self.accepted:
                try:
                    status, _, answer = self.service.call(
                        "POST", "/v1/messages", self.key, body, {"Idempotency-Key": "crash-%d" % number}, timeout=10)
                    assert status in (202, 429, 503), (status, answer)
                    if status == 202:
                        self.accepted[number] = answer["id"]
                except (OSError, house.http.client.HTTPException):
                    time.sleep(0.02)


def killed_at_a_sync(service, number):
    """Runs the service until its fdatasync of this number, at whose entry it is killed."""
    try:
        service.start(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                       "inject=fdatasync:signal=SIGKILL:when=%d" % number])
    except AssertionError as e:
        if "the service ended" not in str(e):
            raise
    try:
        house.wait_for("the kill", lambda: not service.process.is_running(), 20)
    except AssertionError:
        return False
    finally:
        service.kill()
    return True


def timeline_events(service, key, message_id):
    return [row["event"] for row in service.message(key, message_id)["timeline"]]


def what_got_a_202_is_delivered_through_kills():
    seed = int(os.environ.get("CRASH_SEED", str(int(time.time()))))
    dice = random.Random(seed)
    print("   CRASH_SEED=%d" % seed, flush=True)
    with house.House("crash") as h:
        service = h.keep(house.Service(h, 'lanes = %d\nretry_first_ms = "1s"\nretry_max_ms = "2s"\n' % LANES, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        numbers, accepted = list(range(SUBMITS)), {}
        shops = [Shop(service, key, numbers, accepted, house.example("shipping_notice.json")) for _ in range(CLIENTS)]
        for shop in shops:
            shop.start()
        kills = outside = reloads = 0
        while kills < KILLS or any(shop.is_alive() for shop in shops):
            # Spread over the submits: the next kill comes when its share of them is accepted.
            if kills == KILLS or len(accepted) < SUBMITS * kills // (KILLS + 1):
                time.sleep(0.02)
                if dice.random() < 0.05:
                    service.process.child.send_signal(signal.SIGHUP)
                    reloads += 1
                continue
            kills += 1
            if kills % 20 == 0:
                print("   %d of %d kills, %d of %d accepted" % (kills, KILLS, len(accepted), SUBMITS), flush=True)
            if dice.random() < 0.7:
                service.process.child.send_signal(signal.SIGHUP)  # the kill comes before, in, or behind the reload
                reloads += 1
            if kills % 2:
                time.sleep(dice.uniform(0, 0.3))
                service.kill()
                outside += 1
            else:
                service.kill()
                if not killed_at_a_sync(service, dice.randrange(8, 60)):
                    outside += 1  # too few syncs were left: it was killed from outside
            service.start()
        for shop in shops:
            shop.join(60)
        assert len(accepted) == SUBMITS, len(accepted)
        ids = {message_id: number for number, message_id in accepted.items()}
        assert len(ids) == SUBMITS, "an Idempotency-Key gives one message"
        counts = lambda: house.json.loads(service.run("queue", "stats", "--json").stdout)
        house.wait_for("all to be delivered", lambda: counts()["delivered"] >= SUBMITS, 180 + SUBMITS / 50, 0.5)
        final = counts()
        assert final.pop("held_for") == [], final
        assert sum(final.values()) == final["delivered"] == SUBMITS, final

        copies = collections.Counter()
        with open(h.path("captured", "index.tsv"), newline="") as f:
            for row in csv.reader(f, delimiter="\t"):
                copies[row[-1]] += 1
        assert len(copies) == SUBMITS, (len(copies), "recipients received something")
        doubled = {name for name, n in copies.items() if n > 1}
        events = {number: timeline_events(service, key, message_id) for number, message_id in accepted.items()}
        unsure = {recipient(n) for n, e in events.items() if "unsure" in e}
        retried = sum("deferred" in e for e in events.values())
        marks = sum(e.count("unsure") for e in events.values())
        verified = service.run("journal", "verify")
        done = service.process.text().count(" service-reloaded ")
        print("   %d submits, %d kills (%d at a sync), %d reloads (%d done before a kill): %d accepted, %d delivered, %d of them put off "
              "before, %d unsure (bound %d), %d duplicates" % (
                  SUBMITS, kills, kills - outside, reloads, done, len(accepted), final["delivered"], retried, marks, kills * LANES,
                  sum(copies.values()) - SUBMITS))
        print("   " + verified.stdout.strip().replace("\n", "; "))
        assert doubled <= unsure, "duplicates that nobody announced: %s" % sorted(doubled - unsure)[:5]
        assert marks <= kills * LANES, (marks, kills * LANES)
        assert "whole" in verified.stdout
        assert retried >= SUBMITS // PUT_OFF, (retried, "mails were put off by their receiver")
        assert 0 < done <= reloads, (done, reloads)


if __name__ == "__main__":
    house.main(what_got_a_202_is_delivered_through_kills)
