"""house -- starts Parcelpost and real servers for an end-to-end test, on loopback, and stops them by process id.

Everything of one test lives in one temporary folder, which goes when the test passes. Ports are free ones.
Nothing here is a fake: NSD, Postfix and the program itself, each with a configuration written for the test.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("PARCELPOST", os.path.join(TOP, "build", "release", "parcelpost"))
PEERS = os.path.join(TOP, "build", "peers")  # packages that could not be installed beside what is there
FINAL = {"delivered", "bounced", "expired", "cancelled", "suppressed"}


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=30.0, every=0.05):
    """Polls until condition() is true; a test that waits longer fails, saying for what."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise AssertionError("waited %.0f s for %s" % (seconds, what))


def port_is_open(port):
    with contextlib.closing(socket.socket()) as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def find_program(name):
    """In PATH, the system's folders, or unpacked below build/peers."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin", PEERS + "/usr/sbin", PEERS + "/usr/bin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise AssertionError("%s is not installed: script/packages test installs it" % name)


class Process:
    """A child that is ended when the test ends, whatever happens."""

    def __init__(self, arguments, log, **more):
        self.log = log
        self.file = open(log, "ab")
        self.child = subprocess.Popen(arguments, stdout=self.file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                      start_new_session=True, **more)

    def is_running(self):
        return self.child.poll() is None

    def kill(self):
        """With its children: what runs under strace would go on without it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self, seconds=20):
        if self.is_running():
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("%s did not end within %d s of SIGTERM" % (self.log, seconds))
        self.file.close()
        return self.child.returncode

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()


class House:
    """A folder with everything of one test. Use as `with House() as house:`."""

    def __init__(self, name):
        self.name = name
        # What a killed test leaves goes with others' scratch (tests/support/scratch.h), which its name is for.
        self.mark = "parcelpost-t%d-" % os.getpid()
        self.dir = tempfile.mkdtemp(prefix="%s%s-" % (self.mark, name))
        os.chmod(self.dir, 0o755)
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stack.close()
        if kind is None:
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            kept = self.dir.replace(self.mark, "parcelpost-kept-")
            os.rename(self.dir, kept)
            print("kept for a look: %s" % kept, file=sys.stderr)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def keep(self, thing):
        self.stack.callback(thing.stop)
        return thing


class Service:
    """`parcelpost serve` with settings of its own. conf: further lines; storefront: further lines of storefront acme."""

    def __init__(self, house, conf="", storefront="", arguments=(), domain="shop.example", keys=("rsa",), name="service"):
        self.house = house
        self.name = name
        self.domain = domain
        self.arguments = list(arguments)
        self.process = None
        dkim = ""
        for algorithm in keys:
            pem = house.path("%s.pem" % algorithm)
            if not os.path.exists(pem):
                self.run("dkim", "new", "--domain", domain, "--selector", algorithm, "--algorithm", algorithm, "--out", pem)
            dkim += '    dkim "%s" { key_file = "%s" }\n' % (algorithm, pem)
        self.conf = house.write(name + ".conf", '''
data_dir = "%s"
keyring_file = "%s"
templates_dir = "%s"
listen_port = 0
hostname = "mx.%s"
public_url = "https://mail.%s"
%s
storefront "acme" {
    from = "Acme Outdoor <orders@%s>"
    reply_to = "service@%s"
    return_path_domain = "bounce.%s"
    brand {
        name = "Acme Outdoor"
        url = "https://%s"
        support_url = "https://%s/help"
        postal_address = "Acme Outdoor GmbH, Lagerstrasse 7, 20357 Hamburg, Germany"
    }
%s%s}
''' % (house.path(name + "-data"), house.path("keyring"), os.path.join(TOP, "templates"), domain, domain, conf,
            domain, domain, domain, domain, domain, dkim, storefront))

    def run(self, *arguments, check=True, stdin=None):
        environment = dict(os.environ)
        if hasattr(self, "conf"):
            environment["PARCELPOST_CONFIG"] = self.conf
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment, input=stdin, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError("parcelpost %s: exit %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout, done.stderr))
        return done

    def start(self, under=()):
        """under: a command that runs the service as its child, such as strace."""
        log = self.house.path(self.name + ".log")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        environment = dict(os.environ, PARCELPOST_CONFIG=self.conf)
        self.process = Process([*under, PROGRAM, "serve", *self.arguments], log, env=environment)

        def listening():
            if not self.process.is_running():
                raise AssertionError("the service ended:\n" + self.process.text()[-3000:])
            with open(log, "rb") as f:
                f.seek(before)
                found = re.search(rb" http-listening .*port=(\d+)", f.read())
            return found and int(found.group(1))

        self.port = wait_for("the service to listen", listening)
        return self

    def stop(self):
        if self.process:
            code = self.process.stop()
            self.process = None
            return code

    def kill(self):
        self.process.kill()
        self.process.file.close()
        self.process = None

    def key(self, roles="send,read", storefront="acme"):
        return self.run("key", "create", "--quiet", "--label", "test", "--roles", roles, "--storefront", storefront).stdout.strip()

    def call(self, method, path, key="", body=None, headers=None, timeout=30):
        """One request on a connection of its own: (status, headers, JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            all_headers = dict(headers or {})
            if key:
                all_headers["Authorization"] = "Bearer " + key
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                all_headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, all_headers)
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.getheader("Content-Type", "")
            return answer.status, dict(answer.getheaders()), json.loads(text) if "json" in kind else text.decode("utf-8", "replace")
        finally:
            connection.close()

    def post(self, key, body, idempotency_key=""):
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        status, _, answer = self.call("POST", "/v1/messages", key, body, headers)
        assert status == 202, (status, answer)
        return answer["id"]

    def message(self, key, message_id):
        status, _, answer = self.call("GET", "/v1/messages/" + message_id, key)
        assert status == 200, (status, answer)
        return answer

    def wait_state(self, key, message_id, states=FINAL, seconds=30):
        states = {states} if isinstance(states, str) else set(states)
        seen = {}

        def arrived():
            seen.update(self.message(key, message_id))
            return seen if seen["state"] in states else None

        try:
            return wait_for("%s to be %s" % (message_id, "/".join(sorted(states))), arrived, seconds)
        except AssertionError as e:
            raise AssertionError("%s; it is %s" % (e, json.dumps(seen, indent=1)[:3000])) from None


def example(name):
    with open(os.path.join(TOP, "docs", "examples", name), encoding="utf-8") as f:
        return json.load(f)


def main(*tests):
    """Runs the given functions in turn; each prints what it found. Exit code 1 at the first failure."""
    for test in tests:
        print("== %s" % test.__name__.replace("_", " "), flush=True)
        test()
    print("%d of %d passed" % (len(tests), len(tests)))
