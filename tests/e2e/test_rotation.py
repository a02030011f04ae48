"""dkim rotate as an operator and cron use it: two real NSD servers of one zone, a live service, kill -9 at every change
of the disk. No mail is unsigned or signed with a key that the DNS does not have: dkimpy verifies each one."""

import glob
import json
import os
import shutil
import socket
import stat
import subprocess

import house
import verifiers
from house import Process, find_program, port_is_open, wait_for

ZONE = r'''$ORIGIN shop.example.
$TTL 1
@ 1 IN SOA ns1 hostmaster %d 3600 600 86400 1
@ IN NS ns1
@ IN NS ns2
ns1 IN A 127.0.0.2
ns2 IN A 127.0.0.3
bounce IN MX 10 ns1
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
'''
CONF = '''server:
  ip-address: %(address)s
  port: %(port)d
  username: ""
  chroot: ""
  zonesdir: "%(dir)s"
  database: ""
  pidfile: ""
  xfrdfile: "%(dir)s/%(address)s.state"
  zonelistfile: "%(dir)s/%(address)s.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "shop.example"
  zonefile: "%(zone)s"
'''


class Server:
    """One of the zone's servers, at an address of its own."""

    def __init__(self, h, address, port, zone):
        self.h, self.address, self.port = h, address, port
        self.file = h.path("zone-%s" % address)
        self.process = None
        self.show(zone)
        h.stack.callback(self.stop)

    def show(self, zone):
        """Puts the file in place whole, since the service may read it too."""
        self.stop()
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            f.write(zone)
        os.rename(self.file + ".new", self.file)
        conf = self.h.write("nsd-%s.conf" % self.address,
                            CONF % {"address": self.address, "port": self.port, "dir": self.h.dir, "zone": self.file})
        self.process = Process([find_program("nsd"), "-d", "-c", conf], self.h.path("nsd-%s.log" % self.address))

        def listens():
            with socket.socket() as s:
                s.settimeout(0.5)
                return s.connect_ex((self.address, self.port)) == 0

        wait_for("NSD to listen", listens)

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


class Shop:
    """A storefront whose zone stands on two servers. Changes go to the first, or to both."""

    def __init__(self, h, conf="", **more):
        self.h = h
        self.port = house.free_port()
        self.records = []
        self.serial = 1
        self.service = house.Service(h, conf=conf + "allow_private_destinations = true\n", **more)
        zone = self.service.run("dkim", "zone").stdout
        self.records = [line for line in zone.split("\n") if "_domainkey" in line]
        self.first = Server(h, "127.0.0.2", self.port, self.zone())
        self.second = Server(h, "127.0.0.3", self.port, self.zone())

    def zone(self):
        self.serial += 1
        return ZONE % self.serial + "\n".join(self.records) + "\n"

    def publish(self, record, to=None):
        name = record.split(" ")[0]
        self.records = [line for line in self.records if line.split(" ")[0] != name] + [record]
        text = self.zone()
        for server in to or (self.first, self.second):
            server.show(text)

    def rotate(self, *arguments, code=0, json_too=True):
        done = self.service.run("dkim", "rotate", *arguments, "--resolver", "127.0.0.2:%d" % self.port, "--dns-port",
                                str(self.port), *(["--json"] if json_too else []), check=False)
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)[0] if json_too and done.stdout.startswith("[") and len(done.stdout) > 3 else done

    def record_of(self, selector, text):
        parts = " ".join('"%s"' % text[i:i + 250] for i in range(0, len(text), 250))
        return "%s._domainkey.shop.example. 1 IN TXT ( %s )" % (selector, parts)

    def state(self):
        return self.h.path("rsa._domainkey.shop.example.rotation")

    def pass_time(self):
        """The state as it would stand when what it waits for is over."""
        with open(self.state(), encoding="utf-8") as f:
            state = json.load(f)
        state["wait_until_ms"] = min(state["wait_until_ms"], 1)
        state["keep_until_ms"] = min(state["keep_until_ms"], 1)
        with open(self.state(), "w", encoding="utf-8") as f:
            json.dump(state, f)


def every_step_needs_every_server():
    with house.House("rotation") as h:
        shop = Shop(h)
        begun = shop.rotate("start", "--new-selector", "pp2")
        assert begun["step"] == "pending" and begun["signs"] == "rsa", begun
        key = h.path("pp2._domainkey.shop.example.pem")
        assert os.stat(key).st_mode & 0o777 == 0o600, oct(os.stat(key).st_mode)
        record = shop.record_of("pp2", begun["new_record"])
        again = shop.rotate("start", "--new-selector", "pp2")
        assert again["new_record"] == begun["new_record"]

        waits = shop.rotate(code=1)
        assert [s["shows"] for s in waits["servers"]] == ["absent", "absent"], waits
        shop.publish(record, [shop.first])
        waits = shop.rotate(code=1)
        assert (waits["step"], waits["waits_for"]) == ("pending", "record"), waits
        assert {s["address"]: s["shows"] for s in waits["servers"]} == {"127.0.0.2": "ours", "127.0.0.3": "absent"}
        text = shop.rotate("status", code=1, json_too=False).stdout
        assert "127.0.0.3: shows no record" in text and "publish:" in text, text

        shop.publish(record)
        shop.second.stop()
        waits = shop.rotate(code=2)
        assert waits["waits_for"] == "dns" and waits["servers"][1]["shows"] == "unknown", waits
        shop.publish(shop.record_of("pp2", "v=DKIM1; k=rsa; p=" + begun["new_record"].split("p=")[1].replace("A", "B", 1)),
                     [shop.second])
        assert shop.rotate(code=1)["servers"][1]["shows"] == "other"

        shop.publish(record)
        moved = shop.rotate()
        assert moved["moved"] and moved["step"] in ("published", "active"), moved
        moved = wait_for("caches to run out", lambda: (lambda r: r if r["step"] != "published" else None)(
            json.loads(shop.service.run("dkim", "rotate", "--resolver", "127.0.0.2:%d" % shop.port, "--dns-port",
                                        str(shop.port), "--json", check=False).stdout)[0]), every=0.5)
        assert moved["signs"] == "pp2", moved
        waits = shop.rotate("status", code=1)
        assert (waits["step"], waits["waits_for"]) == ("retiring", "mail"), waits
        assert 5 * 86400 < waits["seconds_left"] < 6 * 86400, waits
        assert "pp2" in shop.service.run("dkim", "list").stdout

        back = shop.rotate("back")
        assert (back["step"], back["signs"]) == ("back", "rsa"), back
        refused = shop.rotate("cancel", code=1)
        assert (refused["step"], refused["moved"]) == ("back", False), refused
        shop.pass_time()
        assert shop.rotate(code=1)["waits_for"] == "cancel"
        cancelled = shop.rotate("cancel")
        assert (cancelled["step"], cancelled["signs"]) == ("cancelled", "rsa"), cancelled
        nothing = shop.rotate("cancel", code=65)
        assert nothing.stdout == "" and "no key rotation is under way" in nothing.stderr, nothing
        assert not os.path.exists(key) and not os.path.exists(shop.state())
        print("each server was waited for; back and cancel left the old key")


def the_old_key_is_retired_and_deleted():
    with house.House("retire") as h:
        shop = Shop(h)
        for wrong, code in ((("--bits", "abc"), 64), (("--bits", "1024"), 64), (("--new-selector", "p p"), 65),
                            (("--new-selector", "rsa"), 65), (("--new-selector", "../x"), 65)):
            shop.rotate("start", *wrong, code=code, json_too=False)
            assert not glob.glob(h.path("*_domainkey*")), wrong
        begun = shop.rotate("start", "--new-selector", "pp2", "--algorithm", "ed25519")
        shop.publish(shop.record_of("pp2", begun["new_record"]))
        shop.rotate()
        shop.pass_time()
        assert shop.rotate("status")["waits_for"] == ""
        assert shop.rotate()["step"] == "retiring"
        refused = shop.rotate("--delete-old", code=1, json_too=False)
        assert "its key stays" in refused.stderr and "its record must stay" in refused.stdout, refused
        shop.pass_time()
        os.chmod(shop.state(), 0o640)
        moved = shop.rotate()
        assert (moved["step"], moved["waits_for"]) == ("retired", "revoking"), moved
        assert shop.rotate("--delete-old", code=1)["step"] == "retired"
        shop.second.stop()
        shop.publish(shop.record_of("rsa", "v=DKIM1; p="), [shop.first])
        assert shop.rotate("--delete-old", code=2)["waits_for"] == "dns"
        assert os.path.exists(h.path("rsa.pem"))
        shop.publish(shop.record_of("rsa", "v=DKIM1; p="))
        assert shop.rotate("--delete-old")["step"] == "done"
        assert stat.S_IMODE(os.stat(shop.state()).st_mode) == 0o640, "the state's readers changed"
        shop.rotate("--delete-old")
        again = shop.rotate("start", "--new-selector", "pp3", code=1, json_too=False)
        assert "settings" in again.stderr and not again.stdout, again
        assert not os.path.exists(h.path("rsa.pem"))
        assert "pp2._domainkey" in shop.service.run("dkim", "list").stdout
        assert shop.service.run("config", "check").returncode == 0
        print("the old key is retired, revoked and deleted; the settings still load")


class Mails:
    """Posts orders to a sandbox and verifies what it captured against the zone as it stands."""

    def __init__(self, shop):
        self.shop, self.key, self.n = shop, shop.service.key(), 0

    def signed_with(self):
        service, h = self.shop.service, self.shop.h
        body = house.example("shipping_notice.json")
        self.n += 1
        body["to"] = body["to"] if isinstance(body.get("to"), dict) else {"address": "jane%d@customer.example" % self.n}
        before = set(glob.glob(h.path("captured", "*.eml")))
        service.wait_state(self.key, service.post(self.key, body, "n%d" % self.n), "delivered")
        new = wait_for("the mail's file", lambda: set(glob.glob(h.path("captured", "*.eml"))) - before)
        with open(new.pop(), "rb") as f:
            mail = f.read()
        results = verifiers.dkimpy(mail, self.zone())
        assert results == [True], results
        head = mail.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
        return head.split(b" s=")[1].split(b";")[0].decode()

    def zone(self):
        return "\n".join(line.replace(". 1 IN", ". 300 IN") for line in self.shop.records)


def a_live_service_never_signs_with_what_the_dns_has_not():
    with house.House("live") as h:
        probe = h.path("zone-127.0.0.2")
        shop = Shop(h, conf='zone_files = {"%s"}\ncaptured_dir = "%s"\n' % (probe, h.path("captured")), arguments=["--sandbox"])
        shop.service.start()
        h.stack.callback(shop.service.stop)
        mails = Mails(shop)
        assert mails.signed_with() == "rsa"
        begun = shop.rotate("start", "--new-selector", "pp2")
        assert mails.signed_with() == "rsa"
        _, _, report = shop.service.call("GET", "/v1/domains/shop.example", mails.key)
        assert "DKIM-ROTATION-PENDING" in [one["code"] for one in report["findings"]], report
        shop.publish(shop.record_of("pp2", begun["new_record"]))
        shop.rotate()
        assert mails.signed_with() == "rsa"
        shop.pass_time()
        moved = shop.rotate()
        assert (moved["step"], moved["waits_for"]) == ("active", "service"), moved
        wait_for("the service to take the new key", lambda: "dkim-keys-changed" in shop.service.process.text(), seconds=30)
        assert mails.signed_with() == "pp2"
        assert shop.rotate()["step"] == "retiring"
        assert shop.rotate("back")["signs"] == "rsa"
        wait_for("the service to go back", lambda: shop.service.process.text().count("dkim-keys-changed") == 2, seconds=30)
        assert mails.signed_with() == "rsa"
        assert " held " not in shop.service.process.text()
        shop.service.stop()
        assert not os.path.exists(h.path("service-data", "dkim-signing"))
        print("%d mails, all signed with a key that the DNS had" % mails.n)


SYSCALLS = ("openat", "write", "fsync", "fchmod", "link", "rename", "unlink")


def killed(shop, call, number, *arguments):
    """One `dkim rotate` that dies at the entry of the given system call; False where it has no such call any more."""
    command = ["strace", "-f", "-qq", "-o", shop.h.path("trace"), "-e", "trace=" + call, "-e",
               "inject=%s:signal=KILL:when=%d" % (call, number), house.PROGRAM, "dkim", "rotate", *arguments,
               "--resolver", "127.0.0.2:%d" % shop.port, "--dns-port", str(shop.port)]
    done = subprocess.run(command, capture_output=True, timeout=60, env=dict(os.environ, PARCELPOST_CONFIG=shop.service.conf))
    return done.returncode in (-9, 137)


def a_kill_at_any_change_of_the_disk_loses_nothing():
    with house.House("kill") as h:
        shop = Shop(h)
        kills = 0
        for call in SYSCALLS:
            for number in range(1, 60):
                for path in glob.glob(h.path("*.rotation*")) + glob.glob(h.path("pp2*")):
                    os.unlink(path)
                if call == "openat" and number < 20:
                    continue  # the loader's and libraries' files
                if not killed(shop, call, number, "start", "--new-selector", "pp2", "--algorithm", "ed25519"):
                    break
                kills += 1
                listed = shop.service.run("dkim", "list").stdout
                assert " rsa._domainkey" in listed, listed
                begun = shop.rotate("start", "--new-selector", "pp2", "--algorithm", "ed25519")
                assert begun["step"] == "pending", (call, number, begun)
                left = [f for f in os.listdir(h.dir) if f.startswith("pp2") or ".rotation" in f]
                assert sorted(left) == ["pp2._domainkey.shop.example.pem", "rsa._domainkey.shop.example.rotation"], left
        begun = shop.rotate("start", "--new-selector", "pp2", "--algorithm", "ed25519")
        shop.publish(shop.record_of("pp2", begun["new_record"]))
        kept = h.path("kept")
        shutil.copy(shop.state(), kept)
        for call in ("write", "fsync", "fchmod", "rename"):
            for number in range(1, 12):
                shutil.copy(kept, shop.state())
                if not killed(shop, call, number):
                    break
                kills += 1
                with open(shop.state(), encoding="utf-8") as f:
                    assert json.load(f)["step"] in ("pending", "published"), (call, number)
                assert " rsa._domainkey" in shop.service.run("dkim", "list").stdout
        print("killed %d times, each time the step before or the step after stood" % kills)
        assert kills > 12, kills


if __name__ == "__main__":
    house.main(every_step_needs_every_server, the_old_key_is_retired_and_deleted,
               a_live_service_never_signs_with_what_the_dns_has_not, a_kill_at_any_change_of_the_disk_loses_nothing)
