"""peer_haraka -- Haraka with its dkim plugin, from the files in haraka/; installed by script/packages below build/peers."""

import os
import shutil

from house import PEERS, TOP, Process, find_program, free_port, port_is_open, wait_for
from machine import CORES
from peer import fill_folder

FILES = os.path.join(TOP, "tests", "bench", "haraka")
MODULES = os.path.join(PEERS, "haraka", "node_modules")


def is_installed():
    return os.path.exists(os.path.join(MODULES, "Haraka", "bin", "haraka"))


class Haraka:
    """port takes mail, which goes to the receiver at sink_port, signed with the RSA key in a PEM file."""

    OUT = 100

    def __init__(self, h, name, sink_port, key, nodes=CORES):
        self.port = free_port()
        self.dir = h.path(name)
        values = {"PORT": self.port, "SINK": sink_port, "NODES": nodes, "OUT": self.OUT}
        shutil.copytree(os.path.join(MODULES, "Haraka", "config"), os.path.join(self.dir, "config"))
        for folder in ("config", "plugins"):
            fill_folder(os.path.join(FILES, folder), os.path.join(self.dir, folder), values)
        os.makedirs(os.path.join(self.dir, "queue"))
        shutil.copy(key, os.path.join(self.dir, "config", "dkim.private.key"))
        os.symlink(MODULES, os.path.join(self.dir, "node_modules"))
        program = os.path.join(MODULES, "Haraka", "bin", "haraka")
        self.process = Process([find_program("node"), program, "-c", self.dir], os.path.join(self.dir, "log"), cwd=self.dir)
        try:
            wait_for("Haraka to listen", lambda: port_is_open(self.port))
        except AssertionError as e:
            self.stop()
            raise AssertionError("%s\n%s" % (e, self.process.text()[-2000:])) from None

    def pids(self):
        """Of its master, whose children are the rest."""
        return [self.process.child.pid]

    def stop(self):
        """Its workers would finish in their own time; nothing of it is wanted any more."""
        if self.process.is_running():
            self.process.kill()
        self.process.file.close()
