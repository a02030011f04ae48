"""bench -- what Parcelpost does in a second, each figure beside its limit, or a peer, measured in the same run.

    bench.py BUILD-FOLDER [--quick] [--only SUBJECT]... [--long] [--write FILE]

Everything runs on this machine: the service as installed, load generators and receivers (tests/bench/*.c). Figures count
what arrived: accepted is a 202 (fsync'd), delivered is a mail that the receiver has taken. The script runs from the top of
the tree.

To add a subject, write a module beside this one and put its name into SUBJECTS, where the page is to show it:

    TITLE = "Deep queues"          the heading on the page
    def measure(run):              run: a Run, below; stage.py has service, clients and receiver ready
        found = report.Findings()
        found.row("claimed, 1 M queued", 900, "the same, 1 k queued", 1000, goal=0.9)
        found.note("how it came about, in one line")
        found.picture("depth", "<svg ...>")       docs/depth.svg
        return found

A subject starts what it needs in run.house, stops it before it returns (whatever it forgets stops at the end), takes
nothing from other subjects, and is done within a minute or two, or some seconds when run.quick. Counts come from the
receiver; a count that is wrong raises AssertionError. A C program of its own is one more line in CMakeLists.txt and its
name in PROGRAMS. What each figure means stands in docs/performance.md below the measured part, written by hand."""

import argparse
import importlib
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import house  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402

SUBJECTS = ["peers", "plain_rsa", "delivery", "depth", "breadth", "intake", "local_rates", "audit"]  # in the order of the page
LONG = ["soak"]  # measured by --long alone, and written into a part of the page of their own
PROGRAMS = ["load", "smtp_load", "sink", "micro", "rows", "deep", "dns"]


def working_folder(build):
    """Below the build, or where temporary files go when servers with users of their own could not enter that, or when its
    name leaves no room for that of a socket (107 bytes in all)."""
    at = os.path.abspath(build)
    if len(at) > 60:
        return None
    while os.stat(at).st_mode & 0o001 and at != "/":
        at = os.path.dirname(at)
    return os.path.abspath(build) if at == "/" else None


class Run:
    """One run of the bench: house (house.House: the folder of everything), programs {name: path}, quick."""

    def __init__(self, h, build, quick):
        self.house = h
        self.programs = {name: os.path.join(build, "tests", "bench", name) for name in PROGRAMS}
        self.quick = quick

    def pick(self, quick, whole):
        return quick if self.quick else whole


def measure(run, name):
    module = importlib.import_module(name)
    print("\n%s" % module.TITLE, flush=True)
    begin = time.monotonic()
    findings = module.measure(run)
    print("    (%.0f s)" % (time.monotonic() - begin), flush=True)
    return module.TITLE, findings


def missed(found):
    """The rows whose ratio stays below their goal."""
    return [row for _, findings in found for row in findings.rows if row.goal and row.ratio < row.goal]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build")
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", action="append", choices=SUBJECTS + LONG)
    arguments.add_argument("--long", action="store_true")
    arguments.add_argument("--write")
    a = arguments.parse_args()
    commit = machine.first_line(["git", "-C", house.TOP, "describe", "--always", "--dirty"])
    tempfile.tempdir = working_folder(a.build)
    with house.House("bench") as h:
        about = machine.describe(h.dir, commit)
        print("\n".join("    " + line for line in about), flush=True)
        run = Run(h, a.build, a.quick)
        found = [measure(run, name) for name in a.only or (LONG if a.long else SUBJECTS)]
    if a.write:
        command = "script/bench --write" + (" --quick" if a.quick else "") + (" --full" if a.long else "")
        titles = [importlib.import_module(name).TITLE for name in (LONG if a.long else SUBJECTS)]
        report.write_page(a.write, titles, dict(found), about, commit, command,
                          *(report.BEGIN_LONG, report.END_LONG) if a.long else (report.BEGIN, report.END))
    short = missed(found)
    for row in short:
        print("bench: below its goal: %s, %.2f of %s (goal %.1f)" % (row.figure, row.ratio, row.beside, row.goal))
    print("bench: %d figures, %d below their goal" % (sum(len(f.rows) for _, f in found), len(short)))


if __name__ == "__main__":
    main()
