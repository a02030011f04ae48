"""kill -9 at random moments: what got a 202 ends delivered, and a duplicate was announced as unsure.

Requests go out from several threads without a pause; the service is killed and started again and again. A request that
got no answer is repeated with its Idempotency-Key, as a shop would. Counts come from the receiver's index."""

import collections
import csv
import os
import random
import threading
import time

import house

SUBMITS = int(os.environ.get("CRASH_SUBMITS", "2000"))
KILLS = int(os.environ.get("CRASH_KILLS", "20"))
CLIENTS = 4
LANES = 8


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
            body = dict(self.request, to="buyer%d@customer%d.example" % (number, number % 7), order="o%d" % number)
            while number not in self.accepted:
                try:
                    status, _, answer = self.service.call(
                        "POST", "/v1/messages", self.key, body, {"Idempotency-Key": "crash-%d" % number}, timeout=10)
                    assert status in (202, 429, 503), (status, answer)
                    if status == 202:
                        self.accepted[number] = answer["id"]
                except (OSError, house.http.client.HTTPException):
                    time.sleep(0.02)


def timeline_events(service, key, message_id):
    return [row["event"] for row in service.message(key, message_id)["timeline"]]


def what_got_a_202_is_delivered_through_kills():
    seed = int(os.environ.get("CRASH_SEED", str(int(time.time()))))
    dice = random.Random(seed)
    print("   CRASH_SEED=%d" % seed, flush=True)
    with house.House("crash") as h:
        service = h.keep(house.Service(h, 'lanes = %d\nretry_first_ms = "1s"\n' % LANES, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        numbers, accepted = list(range(SUBMITS)), {}
        shops = [Shop(service, key, numbers, accepted, house.example("shipping_notice.json")) for _ in range(CLIENTS)]
        for shop in shops:
            shop.start()
        kills = 0
        while kills < KILLS or any(shop.is_alive() for shop in shops):
            # Kills are spread over the submits: the next comes when its share of them is accepted, or a little later.
            time.sleep(dice.uniform(0.02, 0.4))
            if kills < KILLS and (len(accepted) >= SUBMITS * kills // (KILLS + 1) or dice.random() < 0.1):
                service.kill()
                kills += 1
                service.start()
        for shop in shops:
            shop.join(60)
        assert len(accepted) == SUBMITS, len(accepted)
        ids = {message_id: number for number, message_id in accepted.items()}
        assert len(ids) == SUBMITS, "an Idempotency-Key gives one message"
        counts = lambda: house.json.loads(service.run("queue", "stats", "--json").stdout)
        house.wait_for("all to be delivered", lambda: counts()["delivered"] >= SUBMITS, 180, 0.5)
        final = counts()
        assert sum(final.values()) == final["delivered"] == SUBMITS, final

        copies = collections.Counter()
        with open(h.path("service-data", "captured", "index.tsv"), newline="") as f:
            for row in csv.reader(f, delimiter="\t"):
                copies[row[-1]] += 1
        assert len(copies) == SUBMITS, (len(copies), "recipients received something")
        doubled = {name for name, n in copies.items() if n > 1}
        events = {number: timeline_events(service, key, message_id) for number, message_id in accepted.items()}
        unsure = {"buyer%d@customer%d.example" % (n, n % 7) for n, e in events.items() if "unsure" in e}
        marks = sum(e.count("unsure") for e in events.values())
        verified = service.run("journal", "verify")
        print("   %d submits, %d kills: %d accepted, %d delivered, %d unsure (bound %d), %d duplicates" %
              (SUBMITS, kills, len(accepted), final["delivered"], marks, kills * LANES, sum(copies.values()) - SUBMITS))
        print("   " + verified.stdout.strip().replace("\n", "; "))
        assert doubled <= unsure, "duplicates that nobody announced: %s" % sorted(doubled - unsure)[:5]
        assert marks <= kills * LANES, (marks, kills * LANES)
        assert "whole" in verified.stdout


if __name__ == "__main__":
    house.main(what_got_a_202_is_delivered_through_kills)
