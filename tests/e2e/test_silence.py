"""What others leave unsaid. Receivers that drip their greeting hold one lane each, and never all of them: a healthy
domain's mail goes at once. Resolvers that do not answer are told at the start."""

import re
import socket
import threading
import time

import house
import servers

HOSTILE = 20
LANES = 8


def zone(name):
    return "$ORIGIN %s.\n$TTL 60\n@ IN SOA ns h 1 1 1 1 1\n@ IN NS ns\n@ IN MX 10 mx\nmx IN A 127.0.0.2\n" % name


class Dripper(threading.Thread):
    """Greets one character a second, for ever."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.2", port), backlog=64)
        self.held = 0

    def run(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.held += 1
            threading.Thread(target=self.drip, args=(connection,), daemon=True).start()

    def drip(self, connection):
        try:
            while True:
                connection.sendall(b"220-x\r\n")
                time.sleep(1)
        except OSError:
            pass

    def stop(self):
        self.server.close()


def silent_receivers_do_not_take_all_lanes():
    with house.House("silence") as h:
        paper = house.Service(h, name="paper").run("dkim", "zone").stdout
        zones = [h.write("shop.zone", paper), *(h.write("h%d.zone" % n, zone("hostile%d.example" % n)) for n in range(HOSTILE))]
        conf = "lanes = %d\nzone_files = {%s}\n" % (LANES, ", ".join('"%s"' % z for z in zones))
        service = h.keep(house.Service(h, conf, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        port = int(re.search(r"smtp_port=(\d+)", service.process.text()).group(1))
        dripper = h.keep(Dripper(port))
        dripper.start()
        request = house.example("shipping_notice.json")
        service.wait_state(key, service.post(key, dict(request, to="first@customer.example", order="first")), "delivered")
        for n in range(3 * HOSTILE):
            service.post(key, dict(request, to="x%d@hostile%d.example" % (n, n % HOSTILE), order="h%d" % n, priority=0))
        house.wait_for("silent receivers to hold lanes", lambda: dripper.held >= LANES - LANES // 4, 20)
        began = time.monotonic()
        service.wait_state(key, service.post(key, dict(request, to="second@customer.example", order="second")), "delivered", 10)
        waited = time.monotonic() - began
        assert dripper.held <= LANES - LANES // 4, "%d of %d lanes are held" % (dripper.held, LANES)
        print("   %d of %d lanes held by %d silent receivers; a healthy one served after %.1f s" % (dripper.held, LANES, HOSTILE, waited))


def a_start_without_a_resolver_is_told_once_with_the_setting():
    with house.House("mute") as h:
        nsd = h.keep(servers.Nsd(h, {".": "$ORIGIN .\n$TTL 60\n@ IN SOA ns h 1 1 1 1 1\n@ IN NS ns\n"}))
        nobody = "127.0.0.1:%d" % house.free_port()
        for name, resolvers, arguments, asked in (("there", '"127.0.0.1:%d"' % nsd.port, [], None), ("gone", '"%s"' % nobody, [], nobody),
                                                  ("none", "", [], '""'), ("sandbox", '"%s"' % nobody, ["--sandbox"], None)):
            service = h.keep(house.Service(h, "resolvers = {%s}\n" % resolvers, arguments=arguments, name=name))
            service.start()
            house.wait_for("the service to be ready", lambda: " service-ready " in service.process.text())
            text = (service.process, service.stop())[0].text()  # it ends after the question
            told = [line for line in text.splitlines() if " dns-silent " in line]
            assert len(told) == (1 if asked else 0), (name, told)
            assert not asked or "warning dns-silent setting=resolvers servers=%s answer=timeout " % asked in told[0], told


if __name__ == "__main__":
    house.main(silent_receivers_do_not_take_all_lanes, a_start_without_a_resolver_is_told_once_with_the_setting)
