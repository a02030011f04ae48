"""race -- the same mails through Parcelpost or a peer to a receiver of its own: how long a lap takes, and whose CPU.

A contestant has: sink (a stage.Sink of its own), signs (whether its mails are to arrive signed), pids() {name: [pid]},
load(run, count, mail_bytes, who) (a started stage.Child; who: part of the recipients' names, another one each time), and
stop()."""

import collections
import os
import re

import house
import stage
from machine import Rest, Usage, share, undisturbed

Lap = collections.namedtuple("Lap", "mails seconds used rest mail_bytes connections posted")


SAMPLES = 3  # mails that a receiver keeps


def receiver(run, name):
    """Its samples are in the house's folder NAME-samples."""
    folder = run.house.path(name + "-samples")
    os.makedirs(folder)
    return run.house.keep(stage.Sink(run.programs["sink"], 0, folder, SAMPLES))


def samples(h, name):
    folder = h.path(name + "-samples")
    return [os.path.join(folder, file) for file in sorted(os.listdir(folder))]


class Parcelpost:
    """A started service. conf, keys: as house.Service. batch: messages in one request, 0 for single ones."""

    signs = True

    def __init__(self, run, name, conf="", keys=("rsa",), batch=0):
        self.name, self.sink, self.batch = name, receiver(run, name), batch
        self.service = stage.service(run, self.sink, name, conf, keys=keys).start()
        self.key = self.service.key()

    def pids(self):
        return {"service": [self.service.process.child.pid]}

    def load(self, run, count, mail_bytes, who):
        path = stage.request_file(run.house, "%s-%s.json" % (self.service.name, who), stage.attachment_bytes(run, mail_bytes), who=who)
        clients = min(stage.CLIENTS, count // (self.batch or 1))
        return stage.Load(run.programs["load"], self.service, self.key, count, path, clients, self.batch)

    def stop(self):
        """The queue must say the same as the receiver."""
        stage.check_all_delivered(self.service, self.sink.counts().mails)
        self.service.stop()
        self.sink.stop()


class Peer:
    """A started peer that takes mail at `peer.port`. letters: {mail_bytes: a mail as Parcelpost sent it}."""

    def __init__(self, name, peer, sink, letters, signs=True):
        self.name, self.peer, self.sink, self.letters, self.signs = name, peer, sink, letters, signs

    def pids(self):
        return {"peer": self.peer.pids()}

    def load(self, run, count, mail_bytes, who):
        path = run.house.path("%s-%s-%d.smtp" % (self.name, who, mail_bytes))
        with open(path, "wb") as f:
            f.write(dialogue(self.letters[mail_bytes], who))
        return stage.SmtpLoad(run.programs["smtp_load"], self.peer.port, count, path, min(stage.CLIENTS, count))

    def stop(self):
        self.peer.stop()
        self.sink.stop()


def dialogue(letter, who):
    """The client's side of SMTP for a mail like this one, but unsigned, with the marks that make each differ (marks.h)."""
    head, _, body = letter.partition(b"\r\n\r\n")
    if b"@@" in letter or b"##" in letter:
        raise AssertionError("the sample mail has marks of its own")
    to = b"%s@@@d##.customers.example" % who.encode()
    head = re.sub(rb"(?im)^(DKIM-Signature|Received|Return-Path):.*\r\n([ \t].*\r\n)*", b"", head + b"\r\n")
    head = re.sub(rb"\w+@d\d+\.customers\.example", lambda _: to, head)
    head = re.sub(rb"(?im)^(Message-ID:\s*<)", rb"\1@@.%s." % who.encode(), head)
    stuffed = re.sub(rb"(?m)^\.", b"..", body)
    return (b"MAIL FROM:<bounce@bounce.shop.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % to + head + b"\r\n" + stuffed +
            (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")


def lap(run, contestant, count, mail_bytes, who, wait_s=240):
    """From the first request or mail to the last mail at the receiver; every one of them once, signed if the contestant signs."""
    sink = contestant.sink
    before = sink.counts()
    usage = Usage(sink=[sink.child.pid], **contestant.pids())
    load = contestant.load(run, count, mail_bytes, who)
    try:
        house.wait_for("%d mails at the receiver" % count, lambda: sink.counts().mails >= before.mails + count or load.failed(),
                       wait_s, 0.02)
    except AssertionError as e:
        load.stop()
        raise AssertionError("%s: %s" % (contestant.name, e)) from None
    seconds = load.seconds()
    seen, load_cpu = load.result()
    used, rest = usage.end(load=load_cpu)
    now = sink.counts()
    taken = now.mails - before.mails, now.recipients - before.recipients, now.signed - before.signed
    if taken != (count, count, count if contestant.signs else 0):
        raise AssertionError("%s: the receiver took %d mails for %d recipients, %d of them signed; %d were due" % (
            contestant.name, *taken, count))
    return Lap(count, seconds, used, rest, (now.bytes - before.bytes) / count, now.connections - before.connections,
               seen["per_second"])


def together(laps):
    """Several laps of one contestant as one."""
    mails, seconds = sum(lap.mails for lap in laps), sum(lap.seconds for lap in laps)
    mean = lambda f: sum(f(lap) * lap.mails for lap in laps) / mails
    used = {name: sum(lap.used[name] for lap in laps) for name in laps[0].used}
    rest = Rest(*(sum(lap.rest[i] * lap.seconds for lap in laps) / seconds for i in range(2)))
    return Lap(mails, seconds, used, rest, mean(lambda lap: lap.mail_bytes),
               sum(lap.connections for lap in laps), mean(lambda lap: lap.posted))


def rate(lap):
    return lap.mails / lap.seconds


def rate_by_cpu(lap):
    """Mails a second if the cores did nothing else."""
    return undisturbed(lap.used, lap.mails)


def told(lap):
    return share(lap.used, lap.mails, lap.rest)
