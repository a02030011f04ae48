"""servers -- NSD and Postfix as an end-to-end test needs them: own folder, own ports, ended by process id."""

import glob
import os
import re
import subprocess

from house import PEERS, Process, find_program, free_port, port_is_open, wait_for

ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]  # Postfix starts as root only


def run(*arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60, **more)


def certificate(house, name):
    """A self-signed certificate for a host name: (certificate, key)."""
    cert, key = house.path(name + ".crt"), house.path(name + ".key")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext",
        "subjectAltName=DNS:" + name, "-keyout", key, "-out", cert)
    return cert, key


class Nsd:
    """An authoritative server. zones: {origin: zone file text}."""

    def __init__(self, house, zones):
        self.house = house
        self.port = free_port()
        self.zones = {}
        text = '''server:
  ip-address: 127.0.0.1
  port: %d
  username: ""
  chroot: ""
  zonesdir: "%s"
  database: ""
  pidfile: "%s"
  xfrdfile: "%s"
  zonelistfile: "%s"
  server-count: 1
remote-control:
  control-enable: no
''' % (self.port, house.dir, house.path("nsd.pid"), house.path("xfrd.state"), house.path("nsd-zones.list"))
        for origin, zone in zones.items():
            file = "%s.zone" % (origin.strip(".") or "root")
            self.zones[origin] = house.write(file, zone)
            text += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (origin, file)
        self.conf = house.write("nsd.conf", text)
        self.process = None
        self.start()

    def start(self):
        self.process = Process([find_program("nsd"), "-d", "-c", self.conf], self.house.path("nsd.log"))
        wait_for("NSD to listen", lambda: port_is_open(self.port))

    def change(self, origin, zone):
        """Publishes another zone file; NSD reads it again at SIGHUP."""
        with open(self.zones[origin], "w", encoding="utf-8") as f:
            f.write(zone)
        self.process.stop()
        self.start()

    def stop(self):
        self.process.stop()


class Postfix:
    """A receiving MTA that keeps every mail in one Maildir. tls: certificate and key; users: {name: password} for AUTH
    (then AUTH over TLS is required)."""

    def __init__(self, house, name="mx.customer.example", domains=("customer.example",), tls=None, users=None, main=""):
        self.house, self.name = house, name
        self.port = free_port()
        self.dir = house.path("postfix-" + name)
        for folder in ("conf", "queue", "data", "mail"):
            os.makedirs(os.path.join(self.dir, folder))
        self.mail = os.path.join(self.dir, "mail")
        self.log = os.path.join(self.dir, "mail.log")
        unpacked = os.path.join(PEERS, "usr/sbin/postfix")
        prefix = PEERS if os.path.exists(unpacked) and not os.path.exists("/usr/sbin/postfix") else ""
        subprocess.run([*ROOT, "chown", "-R", "nobody", self.mail], check=True)
        subprocess.run([*ROOT, "chown", "postfix", os.path.join(self.dir, "data")], check=True)
        settings = {
            "compatibility_level": "3.6",
            "command_directory": prefix + "/usr/sbin",
            "daemon_directory": prefix + "/usr/lib/postfix/sbin",
            "queue_directory": os.path.join(self.dir, "queue"),
            "data_directory": os.path.join(self.dir, "data"),
            "maillog_file": self.log,
            "maillog_file_prefixes": self.dir,
            "myhostname": name,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mydestination": "",
            "mynetworks": "192.0.2.0/24",
            "virtual_mailbox_domains": " ".join(domains),
            "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534",
            "message_size_limit": "52428800",
            "mailbox_size_limit": "0",
            "virtual_mailbox_limit": "0",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_client_message_rate_limit": "0",
            "smtpd_peername_lookup": "no",
        }
        if tls:
            settings.update({"smtpd_tls_cert_file": tls[0], "smtpd_tls_key_file": tls[1], "smtpd_tls_security_level": "may",
                             "smtpd_tls_loglevel": "1", "smtpd_tls_received_header": "yes"})
        if users:
            self.add_users(users)
            settings.update({"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd",
                             "smtpd_tls_auth_only": "yes",
                             "smtpd_sasl_local_domain": name, "smtpd_sasl_authenticated_header": "yes",
                             "smtpd_tls_security_level": "encrypt",
                             "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject"})
        with open(os.path.join(self.dir, "conf", "main.cf"), "w") as f:
            f.writelines("%s = %s\n" % item for item in settings.items())
            f.write(main)
        with open(os.path.join(self.dir, "conf", "master.cf"), "w") as f:
            f.write(MASTER % self.port)
        self.postfix = [*ROOT, prefix + "/usr/sbin/postfix", "-c", os.path.join(self.dir, "conf")]
        self.process = Process([*self.postfix, "start-fg"], os.path.join(self.dir, "start.log"))
        try:
            wait_for("Postfix to listen", lambda: port_is_open(self.port))
        except AssertionError as e:
            raise AssertionError("%s\n%s\n%s" % (e, self.process.text(), self.log_text()[-2000:])) from None

    def add_users(self, users):
        folder = os.path.join(self.dir, "conf", "sasl")  # where Debian's Postfix looks
        os.makedirs(folder)
        database = os.path.join(folder, "sasldb2")
        for user, password in users.items():
            subprocess.run([find_program("saslpasswd2"), "-p", "-c", "-f", database, "-u", self.name, user], input=password.encode(), check=True)
        os.chmod(database, 0o644)
        with open(os.path.join(folder, "smtpd.conf"), "w") as f:
            f.write("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: %s\n" % database)

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def delivered(self):
        """How many mails its own log says that it delivered to the mailbox."""
        return len(re.findall(r"virtual\[\d+\]: .*status=sent \(delivered to maildir\)", self.log_text()))

    def mails(self):
        """The bytes of each mail, as stored."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.mail, "all", "new", "*"))):
            with open(path, "rb") as f:
                found.append(f.read())
        return found

    def stop(self):
        """master is not the child that was started: Postfix's own command ends it, by the pid file of this instance."""
        subprocess.run([*self.postfix, "stop"], capture_output=True, timeout=30)
        self.process.stop()


MASTER = """127.0.0.1:%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
