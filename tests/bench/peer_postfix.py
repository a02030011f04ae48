"""peer_postfix -- Postfix, with OpenDKIM as its milter or alone: an instance of its own, from the files in postfix/."""

import contextlib
import os
import subprocess

from house import PEERS, TOP, Process, find_program, free_port, port_is_open, wait_for
from machine import STARTED, processes, subtree
from peer import fill
from servers import MASTER, ROOT

FILES = os.path.join(TOP, "tests", "bench", "postfix")


class OpenDkim:
    """A milter that signs. kind: of its key, "rsa" or "ed25519", also its selector; key: a PEM file; canonicalization: of
    headers and body."""

    def __init__(self, h, name, kind, key, canonicalization):
        self.dir = h.path(name)
        os.makedirs(self.dir)
        conf = os.path.join(self.dir, "opendkim.conf")
        fill(os.path.join(FILES, "opendkim.conf"), conf, {"DIR": self.dir, "KIND": kind, "KEY": key, "CANON": canonicalization})
        self.socket = os.path.join(self.dir, "milter")
        self.process = Process([find_program("opendkim"), "-f", "-x", conf], os.path.join(self.dir, "log"))
        try:
            wait_for("OpenDKIM to listen", lambda: os.path.exists(self.socket))
        except AssertionError as e:
            self.stop()
            raise AssertionError("%s\n%s" % (e, self.process.text())) from None

    def pids(self):
        return [self.process.child.pid]

    def stop(self):
        self.process.stop()


class Postfix:
    """port takes mail, which goes to the receiver at sink_port. milter: an OpenDkim, or None."""

    OUT = 20  # deliveries at once: 5 and 50 are no faster

    def __init__(self, h, name, sink_port, milter=None):
        self.port = free_port()
        self.dir = h.path(name)
        conf = os.path.join(self.dir, "conf")
        for folder in ("conf", "queue", "data"):
            os.makedirs(os.path.join(self.dir, folder))
        subprocess.run([*ROOT, "chown", "postfix", os.path.join(self.dir, "data")], check=True)
        unpacked = os.path.join(PEERS, "usr/sbin/postfix")
        prefix = PEERS if os.path.exists(unpacked) and not os.path.exists("/usr/sbin/postfix") else ""
        fill(os.path.join(FILES, "main.cf"), os.path.join(conf, "main.cf"), {
            "DIR": self.dir, "SBIN": prefix + "/usr/sbin", "LIB": prefix + "/usr/lib/postfix/sbin", "SINK": sink_port,
            "OUT": self.OUT, "MILTER": "unix:" + milter.socket if milter else ""})
        with open(os.path.join(conf, "master.cf"), "w", encoding="utf-8") as f:
            f.write(MASTER % self.port)
        self.milter = milter
        self.postfix = [*ROOT, prefix + "/usr/sbin/postfix", "-c", conf]
        self.process = Process([*self.postfix, "start-fg"], os.path.join(self.dir, "start.log"))
        try:
            wait_for("Postfix to listen", lambda: port_is_open(self.port))
        except AssertionError as e:
            self.stop()
            raise AssertionError("%s\n%s" % (e, self.process.text())) from None

    def pids(self):
        """Of the command that started its master, which is below it, and of its milter."""
        return [self.process.child.pid] + (self.milter.pids() if self.milter else [])

    def stop(self):
        """With its milter. Postfix's own command ends master, which is not the child that was started; should one of its
        processes be left, it goes the hard way."""
        if self.process.is_running():
            before = processes()
            ours = {pid: before[pid][STARTED] for pid in subtree([self.process.child.pid], before)}
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run([*self.postfix, "stop"], capture_output=True, timeout=30)
            for pid, fields in processes().items():
                if ours.get(pid) == fields[STARTED]:
                    subprocess.run([*ROOT, "kill", "-9", str(pid)], capture_output=True, check=False)
        self.process.stop()
        if self.milter:
            self.milter.stop()
