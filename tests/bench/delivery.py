"""delivery -- how many mails a second the receiver takes, from the first post to the last mail, beside what the cores could
sign if they did nothing else. Requests come in meanwhile, as fast as they are answered."""

import race
import stage
from machine import CORES, openssl_speed
from report import Findings

TITLE = "Delivering"


def measure(run):
    found, count = Findings(), run.pick(3000, 20000)
    limit = openssl_speed(run.pick(1, 2), "rsa2048", CORES)
    ours = race.Parcelpost(run, "delivery")
    race.lap(run, ours, stage.CLIENTS * 4, stage.KB_20, "warm")
    lap = race.lap(run, ours, count, stage.KB_20, "buyer")
    ours.stop()
    found.row("delivered end to end, %d cores, RSA-2048" % CORES, race.rate(lap), "openssl speed rsa2048, %d" % CORES, limit)
    found.row("the same by CPU time, were the cores its own", race.rate_by_cpu(lap), "openssl speed rsa2048, %d" % CORES, limit)
    found.note("%s mails of %s bytes over %d connections; posted at %s/s meanwhile" % (
        "{:,}".format(count), "{:,.0f}".format(lap.mail_bytes), lap.connections, "{:,.0f}".format(lap.posted)))
    found.note(race.told(lap))
    return found
