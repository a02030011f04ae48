"""local_rates -- what one core, or each core, does with one mail or one sender: parse, render, compose, sign, judge."""

import json
import subprocess

import house
from machine import openssl_speed
from report import Findings

TITLE = "On one core"


def measure(run):
    found = Findings()
    seconds = run.pick(0.3, 2)  # of CPU time, for each figure
    measure_mails(run, seconds, found)
    measure_senders(run, seconds, found)
    return found


def measure_mails(run, seconds, found):
    lines = subprocess.run([run.programs["micro"], str(seconds)], capture_output=True, text=True, check=True, cwd=house.TOP)
    figures = [json.loads(line) for line in lines.stdout.splitlines()[1:]]
    rates = {(f["what"], f["threads"]): f["per_second"] for f in figures}
    for (what, threads), rate in rates.items():
        if what.endswith(" by one loop"):
            continue
        if what.startswith("sign "):
            algorithm = what.split()[1]
            found.row("%s, %d thread%s" % (what, threads, "s"[:threads - 1]), rate, "openssl speed %s, %d" % (algorithm, threads),
                      openssl_speed(run.pick(1, 2), algorithm, threads))
        else:
            found.row(what, rate, "its bytes through one loop", rates[what + " by one loop", threads])


def measure_senders(run, seconds, found):
    """SPF and the gate: each figure is followed by its limit, whose name goes on with "by"."""
    lines = subprocess.run([run.programs["dns"], run.house.path("senders.zone"), str(seconds)], stdout=subprocess.PIPE, text=True,
                           check=True)
    figures = [json.loads(line) for line in lines.stdout.splitlines()]
    limits = {"SPF": "its questions asked of the same zone file", "gate": "SHA-256 of its question"}
    for real, limit in zip(figures[::2], figures[1::2]):
        threads = ", %d thread%s" % (real["threads"], "s"[:real["threads"] - 1]) if real["what"].startswith("gate") else ""
        found.row(real["what"] + threads, real["per_second"], limits[real["what"].split(",")[0]], limit["per_second"])
