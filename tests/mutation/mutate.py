#!/usr/bin/python3
"""mutate -- takes one branch after another out of the evaluators and looks whether a test notices.

    /usr/bin/python3 tests/mutation/mutate.py [--only FILE]... [--sample N] [--again] [--list] [--jobs N]

--only FILE   one evaluator, e.g. dns/spf.c (may be repeated)
--sample N    N mutants of them all, chosen at random
--again       only those that nothing had noticed when they were last tried
--list        prints the mutants, each with its number, and ends
--jobs N      so many test programs at a time (as many as there are cores)

Works on a copy of the source in build/mutation, built twice: as it is for speed, and with ASan and UBSan, as script/test
runs the tests, for what nothing had noticed (without the slowest programs). A mutant is tried by the test programs that
pass its place, the quickest first; a program that fails, crashes or runs ten times as long as it should has noticed.
What nothing noticed must stand with its reason in tests/mutation/survivors.txt, and nothing else may. The last line is
"N mutants, N killed (N of them by time), N survivors: N explained, N new"; exit 1 when some are new, or explained for
nothing.
"""
import argparse
import concurrent.futures
import glob
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sites  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "mutation")
COPY = os.path.join(WORK, "source")
LAST = os.path.join(WORK, "unnoticed.txt")
EXPLAINED = os.path.join(ROOT, "tests", "mutation", "survivors.txt")
FOLDERS = ("base", "dns", "dns/audit", "mailer/mime", "mailer/gate")
TESTED_BY = ("tests/dns", "tests/dns/audit", "tests/mailer/gate")
EVALUATORS = ("dns/spf*.c", "dns/dmarc*.c", "dns/dkim_record.c", "dns/tags.c", "dns/fields.c", "dns/name.c",
              "dns/mta_sts*.c", "dns/tls_rpt.c", "mailer/gate/judge.c")
SANITIZED_S = 1  # of CPU: slower programs are not worth their time in the second try
BUILDS = {"plain": ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1"],
          "sanitized": ["-DCMAKE_BUILD_TYPE=Debug", "-DPARCELPOST_SANITIZE=address,undefined"]}


def fail(message):
    sys.exit("mutate: " + message)


# ---- the copy and its builds --------------------------------------------------------------------------------


def write_if_new(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, "rb") as f:
            if f.read() == content:
                return
    with open(path, "wb") as f:
        f.write(content)


def copy_source(mutated):
    """What git knows of the tree, with the mutated files in place of theirs; what is gone there goes here."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and os.path.isfile(os.path.join(ROOT, name))}
    for name in wanted:
        content = mutated.get(name)
        if content is None:
            with open(os.path.join(ROOT, name), "rb") as f:
                content = f.read()
        write_if_new(os.path.join(COPY, name), content)
        shutil.copymode(os.path.join(ROOT, name), os.path.join(COPY, name))
    for folder, _, names in os.walk(COPY):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, COPY) not in wanted and "__pycache__" not in path:
                os.remove(path)


def build(kind):
    folder = os.path.join(WORK, kind)
    os.makedirs(folder, exist_ok=True)
    log = os.path.join(WORK, kind + ".log")
    with open(log, "w") as out:
        for command in (["cmake", "-S", COPY, "-B", folder, "-G", "Ninja", "-DPARCELPOST_TESTS=ON",
                         "-DPARCELPOST_WERROR=OFF", "-DPARCELPOST_PART=" + ";".join(FOLDERS)] + BUILDS[kind],
                        ["cmake", "--build", folder, "--target"] + [t + "/all" for t in TESTED_BY]):
            if subprocess.run(command, stdout=out, stderr=out).returncode != 0:
                fail("the %s build failed: %s" % (kind, log))
    found = []
    for tests in TESTED_BY:
        found += [p for p in glob.glob(os.path.join(folder, tests, "test_*")) if os.path.isfile(p) and os.access(p, os.X_OK)]
    return [Program(path, kind == "sanitized") for path in sorted(found)]


# ---- running ------------------------------------------------------------------------------------------------


class Program:
    """A test program, with how long it takes when nothing is wrong."""

    def __init__(self, path, sanitized):
        self.path, self.name, self.sanitized = path, os.path.basename(path), sanitized
        self.seconds, self.cpu_s, self.passed = 0.0, 0.0, b""

    def measure(self, mutants):
        """Runs it as it is, and notes which mutants' places it passes."""
        with tempfile.NamedTemporaryFile() as trace:
            trace.truncate(max(mutants, 1))
            begin, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            self.cpu_s = 60
            if self.run({"MUTATION_TRACE": trace.name}) != "passed":
                fail("%s fails without any mutant" % self.path)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.seconds = time.monotonic() - begin
            self.cpu_s = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
            self.passed = trace.read()

    def run(self, variables):
        """"passed", "failed" or "endless"."""
        environment = dict(os.environ, CMOCKA_TEST_ABORT="1", ASAN_OPTIONS="detect_leaks=1:hard_rss_limit_mb=2000",
                           UBSAN_OPTIONS="print_stacktrace=0", **variables)
        child = subprocess.Popen([self.path], cwd=COPY, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=self._bound)
        try:
            code = child.wait(timeout=30 + 10 * self.seconds)
        except subprocess.TimeoutExpired:
            code = None
        try:
            os.killpg(child.pid, signal.SIGKILL)  # it, or what it left behind
        except ProcessLookupError:
            pass
        if code is None:
            child.wait()
        if code is None or code == -signal.SIGXCPU:
            return "endless"
        return "passed" if code == 0 else "failed"

    def _bound(self):
        """CPU time, which other work on the machine does not lengthen, and memory; no core files."""
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        seconds = 2 + int(10 * self.cpu_s)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        if not self.sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def judge(site, programs):
    """(site, what the first program that noticed says, or "passed")"""
    for program in programs:
        if program.passed[site.number]:
            said = program.run({"MUTANT": str(site.number)})
            if said != "passed":
                return site, said
    return site, "passed"


def judge_all(wanted, programs, jobs, label):
    """Those that nothing noticed, and how many were noticed by time."""
    left, endless, done = [], 0, 0
    programs = sorted(programs, key=lambda p: p.cpu_s)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for site, said in pool.map(lambda s: judge(s, programs), wanted):
            done += 1
            endless += said == "endless"
            if said == "passed":
                left.append(site)
                print("    not noticed: " + site.key())
            if done % 50 == 0 or done == len(wanted):
                print("    %s: %d of %d tried, %d not noticed" % (label, done, len(wanted), len(left)), flush=True)
    return left, endless


# ---- what is explained --------------------------------------------------------------------------------------


def read_explained():
    """Lines that begin at the margin name a mutant; the indented lines below them are the reason."""
    reasons, keys = {}, []
    if not os.path.exists(EXPLAINED):
        return reasons
    with open(EXPLAINED) as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            if not line.startswith(" "):
                if not keys or any(key in reasons for key in keys):
                    keys = []
                keys.append(line)
            elif not keys:
                fail("survivors.txt:%d: a reason without a mutant" % number)
            else:
                for key in keys:
                    reasons[key] = (reasons.get(key, "") + " " + line.strip()).strip()
    return reasons


def compare(tried, left, endless):
    reasons = read_explained()
    names = {site.key() for site in left}
    new = [site for site in left if not reasons.get(site.key())]
    idle = [site for site in tried if site.key() in reasons and site.key() not in names]
    for site in new:
        print("new: %s:%d\n%s" % (site.path, site.line, site.key()))
    for site in idle:
        print("explained, but a test notices it: %s" % site.key())
    print("%d mutants, %d killed (%d of them by time), %d survivors: %d explained, %d new" % (
        len(tried), len(tried) - len(left), endless, len(left), len(left) - len(new), len(new)))
    return not new and not idle


def report_gone(everything):
    """Explanations of what is no longer in the source."""
    gone = set(read_explained()) - {site.key() for site in everything}
    for key in sorted(gone):
        print("explained, but not in the source: %s" % key)
    return not gone


# ---- the whole ----------------------------------------------------------------------------------------------


def find_sites():
    paths = sorted({p for pattern in EVALUATORS for p in glob.glob(os.path.join(ROOT, pattern))})
    everything, mutated = [], {}
    for path in paths:
        name = os.path.relpath(path, ROOT)
        source = sites.SourceFile(ROOT, name, len(everything))
        everything += source.sites
        mutated[name] = source.text()
    return everything, mutated


def choose(everything, arguments):
    wanted = [s for s in everything if not arguments.only or s.path in arguments.only]
    if arguments.again:
        with open(LAST) as f:
            last = set(f.read().split("\n"))
        wanted = [s for s in wanted if s.key() in last]
    if arguments.sample and arguments.sample < len(wanted):
        wanted = sorted(random.sample(wanted, arguments.sample), key=lambda s: s.number)
    return wanted


def remember(tried, left):
    """What --again tries: kept for the mutants that were not tried this time."""
    keys = set()
    if os.path.exists(LAST):
        with open(LAST) as f:
            keys = set(f.read().split("\n"))
    keys = (keys - {s.key() for s in tried}) | {s.key() for s in left}
    with open(LAST, "w") as f:
        f.write("\n".join(sorted(keys)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="FILE", help="one evaluator; may be repeated")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants, chosen at random")
    parser.add_argument("--again", action="store_true", help="those that nothing had noticed")
    parser.add_argument("--list", action="store_true", help="the mutants, untried")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="programs at a time")
    arguments = parser.parse_args()

    everything, mutated = find_sites()
    wanted = choose(everything, arguments)
    if not wanted:
        fail("no mutant is meant")
    if arguments.list:
        for site in wanted:
            print("%d %s:%d %s" % (site.number, site.path, site.line, site.key()))
        return 0
    begin = time.monotonic()
    print("%d mutants of %d files; building" % (len(wanted), len({s.path for s in wanted})), flush=True)
    copy_source(mutated)
    left, endless = wanted, 0
    for kind in BUILDS:
        programs = build(kind)
        for program in programs:
            program.measure(len(everything))
        if kind == "sanitized":
            programs = [p for p in programs if p.cpu_s < SANITIZED_S]
        print("    %s: %d test programs take %.1f s" % (kind, len(programs), sum(p.seconds for p in programs)), flush=True)
        left, by_time = judge_all(left, programs, arguments.jobs, kind)
        endless += by_time
        remember(wanted, left)
    whole = report_gone(everything)
    print("took %d s" % (time.monotonic() - begin))
    return 0 if compare(wanted, left, endless) and whole else 1


if __name__ == "__main__":
    sys.exit(main())
