"""verifiers -- DKIM verified by programs that are not ours: dkimpy, Mail::DKIM and opendkim, over the keys of a zone
file. Each function takes the bytes that a server received and says of each signature whether it passed."""

import os
import re
import subprocess
import sys

import dkim

from house import find_program

HERE = os.path.dirname(os.path.abspath(__file__))


def keys_of(zone):
    """{name: TXT} of a zone file with one record a line, as `parcelpost dkim zone` writes it."""
    keys = {}
    for line in zone.splitlines():
        found = re.match(r"(\S+)\. \d+ IN TXT \((.*)\)$", line)
        if found:
            keys[found.group(1)] = "".join(re.findall(r'"([^"]*)"', found.group(2)))
    return keys


def dkimpy(mail, zone):
    keys = keys_of(zone)
    lookup = lambda name, timeout=5: keys.get(name.decode().rstrip("."), "").encode() or None
    count = len(re.findall(rb"^DKIM-Signature:", mail, re.M | re.I))
    results = []
    for index in range(count):
        try:
            results.append(dkim.DKIM(mail).verify(idx=index, dnsfunc=lookup))
        except dkim.DKIMException:
            results.append(False)
    return results


PERL = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my %keys; open(my $f, '<', $ARGV[0]) or die; while (<$f>) { chomp; my ($n, $t) = split(/\t/, $_, 2); $keys{$n} = $t; }
{ no warnings 'redefine'; no strict 'refs';
  *Mail::DKIM::PublicKey::fetch = sub { my ($class, %p) = @_;
    my $t = $keys{"$p{Selector}._domainkey.$p{Domain}"}; return unless defined $t; return $class->parse($t); };
  *Mail::DKIM::PublicKey::fetch_async = sub { my ($class, %p) = @_; my $k = $class->fetch(%p);
    my $cb = $p{Callbacks}->{Success}; return sub { return $cb ? $cb->($k) : $k; }; }; }
my $v = Mail::DKIM::Verifier->new; binmode STDIN; local $/; my $mail = <STDIN>; $v->PRINT($mail); $v->CLOSE;
print join(' ', map { $_->algorithm . '=' . $_->result } $v->signatures), "\n";
"""


def mail_dkim(mail, zone, house):
    """RSA signatures only: Debian 12's Mail::DKIM does not know Ed25519 and says so."""
    keys = house.write("keys.tsv", "".join("%s\t%s\n" % item for item in keys_of(zone).items()))
    done = subprocess.run(["perl", "-e", PERL, keys], input=mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [result == "pass" for algorithm, result in (word.split("=") for word in done.stdout.decode().split())
            if algorithm == "rsa-sha256"]


def opendkim(mail, zone, house):
    """opendkim's own filter in test mode: it prints the Authentication-Results that it would insert."""
    keys = house.write("opendkim.keys", "".join("%s %s\n" % item for item in keys_of(zone).items()))
    conf = house.write("opendkim.conf", "Mode v\nTestDNSData file:%s\nAlwaysAddARHeader yes\n" % keys)
    path = house.path("opendkim.eml")
    with open(path, "wb") as f:
        f.write(mail)
    done = subprocess.run([find_program("opendkim"), "-x", conf, "-t", path, "-v", "-v"], capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    return [word == "pass" for word in re.findall(r"\bdkim=(\w+)", text)], text


if __name__ == "__main__":
    sys.exit("verifiers.py is for the other tests")
