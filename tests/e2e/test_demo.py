"""script/demo, as a newcomer runs it: what it leaves is looked at by programs that are not ours."""

import email
import email.policy
import glob
import os
import subprocess

import house
import verifiers


def the_demo_runs_and_leaves_verifiable_mails():
    done = subprocess.run([os.path.join(house.TOP, "script", "demo")], capture_output=True, text=True, timeout=600,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 bounced, 2 delivered" in done.stdout, done.stdout[-2000:]
    demo = os.path.join(house.TOP, "var", "demo")
    with open(os.path.join(demo, "dns.zone")) as f:
        zone = f.read()
    assert zone.startswith("$ORIGIN shop.example.")
    paths = sorted(glob.glob(os.path.join(demo, "captured", "*.eml")))
    assert len(paths) == 2, paths
    with house.House("demo") as h:
        for path in paths:
            with open(path, "rb") as f:
                raw = f.read()
            assert verifiers.dkimpy(raw, zone) == [True, True], path
            assert verifiers.mail_dkim(raw, zone, h) == [True], path
            assert all(line.endswith(b"\r") for line in raw.split(b"\n")[:-1]) and max(map(len, raw.split(b"\r\n"))) <= 998
            assert max(raw) < 128, "7-bit clean"
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            assert not mail.defects and mail.get_body(("html",)) and mail.get_body(("plain",))
            if "kunde.example" in mail["To"]:
                text = mail.get_body(("plain",)).get_content()
                assert "Jürgen Grüßli" in text and "1.249,50\u00a0€" in text, text
                assert mail["Subject"].isprintable() and "10431" in mail["Subject"]
    print("   %s" % [line for line in done.stdout.splitlines() if "Done" in line][0])


if __name__ == "__main__":
    house.main(the_demo_runs_and_leaves_verifiable_mails)
