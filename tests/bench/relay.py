"""relay -- a DNS server on loopback, UDP and TCP, that answers from a table and holds every reply for a while.

It remembers what was asked, so that a run can be compared with the fewest rounds that it could have taken."""

import asyncio
import re
import socket
import struct
import threading

TYPES = {"A": 1, "SOA": 6, "MX": 15, "PTR": 12, "TXT": 16, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
NXDOMAIN, ROOT, TTL = 3, b"\0", 300
OPT = struct.pack("!BHHIH", 0, 41, 1232, 0, 0)
SOA = ROOT + struct.pack("!HHIH", TYPES["SOA"], 1, TTL, 22) + ROOT + ROOT + struct.pack("!IIIII", 1, 3600, 600, 86400, 60)


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in text.rstrip(".").split(".") if label) + ROOT


def wire_data(kind, text):
    """The data of one record as it stands in a zone file, names absolute."""
    if kind == "TXT":
        return b"".join(bytes([len(s)]) + s.encode("ascii") for s in re.findall(r'"([^"]*)"', text))
    if kind == "MX":
        preference, host = text.split()
        return struct.pack("!H", int(preference)) + wire_name(host)
    if kind in ("A", "AAAA"):
        return socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, text)
    if kind == "PTR":
        return wire_name(text)
    raise ValueError("the table cannot hold %s" % kind)


def read_question(packet):
    """(name in lower case, type, where the question ends)"""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from("!H", packet, at + 1)[0], at + 5


def named_by(name):
    """The name that has to be known for a question: hosts for DANE (RFC 6698 s3), report targets for RFC 9990 s4."""
    return re.sub(r"^(_\d+\._tcp\.|.*\._report\._dmarc\.|_dmarc\.)", "", name)


class Relay:
    """zone: lines of a zone file without brackets, each "name TYPE data" with absolute names. An absent name is NXDOMAIN."""

    def __init__(self, zone, hold_ms):
        self.table, self.hold, self.asked = {}, hold_ms / 1000, []
        for line in zone.strip().split("\n"):
            name, kind, data = line.split(None, 2)
            self.table.setdefault(name.rstrip(".").lower(), []).append((kind, data))
        self.loop = asyncio.new_event_loop()
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.loop.run_until_complete(self.listen())
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def listen(self):
        relay = self

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, packet, client):
                relay.loop.call_later(relay.hold, self.transport.sendto, relay.answer(packet, 1232), client)

        self.transport, _ = await self.loop.create_datagram_endpoint(Datagrams, sock=self.udp)
        self.server = await asyncio.start_server(self.serve, sock=self.tcp)

    async def serve(self, reader, writer):
        try:
            while True:
                packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                answer = self.answer(packet, 65535)
                await asyncio.sleep(self.hold)
                writer.write(len(answer).to_bytes(2, "big") + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, packet, most):
        name, number, end = read_question(packet)
        self.asked.append((name, NAMES.get(number, str(number))))
        records = self.table.get(name, [])
        data = [wire_data(kind, text) for kind, text in records if TYPES[kind] == number]
        exists = records or any(other.endswith("." + name) for other in self.table)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", number, 1, TTL, len(d)) + d for d in data) or SOA
        more = packet[end:] and OPT
        header = struct.pack("!HHHHHH", int.from_bytes(packet[:2], "big"), 0x8580 | (0 if exists else NXDOMAIN), 1,
                             len(data), 0 if data else 1, 1 if more else 0)
        if len(header) + end - 12 + len(body) + len(more) > most:
            return header[:2] + b"\x87\x80\0\1" + bytes(6) + packet[12:end]
        return header + packet[12:end] + body + more

    def rounds(self, known):
        """The fewest rounds in which all that was asked could be asked: a name can be when it is known from the start, when
        no answer mentions it (it is made of known ones), or when an answer of an earlier round mentions it."""
        mentions = {asked: self.names_in_answer(*asked) for asked in self.asked}
        waiting, rounds = set(mentions), 0
        may_ask = set(known) | {named_by(name) for name, _ in waiting} - set().union(*mentions.values())
        while waiting:
            now = {asked for asked in waiting if named_by(asked[0]) in may_ask}
            if not now:
                raise AssertionError("nothing leads to %s" % sorted(waiting))
            waiting -= now
            may_ask.update(*(mentions[asked] for asked in now))
            rounds += 1
        return rounds

    def names_in_answer(self, name, kind):
        texts = [text.lower() for other, text in self.table.get(name, []) if other == kind]
        return {found for text in texts for found in re.findall(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", text)}

    def stop(self):
        def end():
            self.transport.close()
            self.server.close()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(end)
        self.thread.join()
        self.loop.close()
