"""dkim rotate where a state says what is not so, a draft wants to be believed, several rotations stand side by side, or
somebody waits."""

import json
import os
import shutil
import subprocess

import house
from house import wait_for
from test_rotation import Shop


def what_a_state_names_is_not_deleted_on_its_word():
    """The file is only a text, that somebody may have written who must not delete keys."""
    with house.House("word") as h:
        shop = Shop(h)
        shop.rotate("start", "--new-selector", "pp2")
        with open(shop.state(), encoding="utf-8") as f:
            state = json.load(f)
        victim = h.write("victim.txt", "precious")
        os.mkdir(h.path("sub"))
        hidden = h.write("sub/other._domainkey.shop.example.pem", "another key")
        shutil.copy(h.path("rsa.pem"), h.path("copy.pem"))
        os.symlink(h.path("copy.pem"), h.path("link.pem"))

        def rotate(change, *arguments, code):
            with open(shop.state(), "w", encoding="utf-8") as f:
                json.dump(dict(state, **change), f)
            done = shop.rotate(*arguments, code=code, json_too=False)
            for path in (victim, hidden, h.path("rsa.pem"), h.path("copy.pem"), h.path("link.pem")):
                assert os.path.exists(path), (path, change, done)
            return done.stdout + done.stderr

        for name, why in (("victim.txt", "does not hold the key"), ("pp2._domainkey.shop.example.pem", "does not hold"),
                          ("link.pem", "no regular file")):
            told = rotate({"step": "done", "old_key_file": h.path(name)}, "--delete-old", code=75)
            assert why in told, told
        rotate({"step": "done", "old_key_file": hidden}, "--delete-old", code=0)  # there is none of that name here
        rotate({"new_selector": "sub/other"}, "cancel", code=74)
        told = rotate({"new_record": "v=DKIM1; k=rsa; p=\x1b[2J"}, "status", code=2)
        assert "\x1b" not in told and "new_record" in told, told
        print("neither another file nor another key was deleted")


def one_rotation_does_not_hold_back_another():
    with house.House("two") as h:
        shop = Shop(h, keys=("rsa", "ed25519"))
        for old, new in (("rsa", "pp2"), ("ed25519", "pp3")):
            begun = shop.rotate("start", "--selector", old, "--new-selector", new)
            if old == "ed25519":
                shop.publish(shop.record_of(new, begun["new_record"]))
        done = shop.service.run("dkim", "rotate", "--delete-old", "--resolver", "127.0.0.2:%d" % shop.port, "--dns-port",
                                str(shop.port), "--json", check=False)
        steps = {one["old_selector"]: one["moved"] for one in json.loads(done.stdout)}
        assert steps == {"rsa": False, "ed25519": True} and done.returncode == 1, done
        print("with --delete-old, too, each went as far as it could")


def a_second_rotation_is_the_one_that_is_meant():
    with house.House("second") as h:
        shop = Shop(h)
        begun = shop.rotate("start", "--new-selector", "pp2")
        with open(shop.state(), encoding="utf-8") as f:
            state = json.load(f)
        with open(shop.state(), "w", encoding="utf-8") as f:
            json.dump(dict(state, step="done"), f)
        with open(shop.service.conf, encoding="utf-8") as f:
            conf = f.read()
        conf = conf.replace('dkim "rsa"', 'dkim "pp2"').replace("rsa.pem", "pp2._domainkey.shop.example.pem")
        h.write("service.conf", conf)
        for taken in ("pp2", "rsa"):
            shop.rotate("start", "--new-selector", taken, code=65, json_too=False)
        shop.rotate("start", "--new-selector", "pp3")
        assert shop.rotate("cancel", "--selector", "pp2")["new_selector"] == "pp3"
        shop.rotate("start", "--new-selector", "pp3")
        assert shop.rotate("cancel")["new_selector"] == "pp3"
        assert os.path.exists(h.path("pp2._domainkey.shop.example.pem")) and os.path.exists(shop.state())

        shutil.copy(h.path("rsa.pem"), h.path("old9._domainkey.shop.example.pem"))
        refused = shop.rotate("start", "--new-selector", "old9", "--bits", "3072", code=75)
        assert "has 2048 bits, not 3072" in refused.stderr, refused
        told = shop.service.run("dkim", "rotate", "start", "--new-selector", "old9")
        assert "is there already: it is taken" in told.stderr and begun["new_record"] not in told.stdout, told
        print("cancel meant the second rotation; a key that lies there is not taken in silence")


def no_step_is_taken_on_the_word_of_a_draft():
    with house.House("draft") as h:
        shop = Shop(h)
        begun = shop.rotate("start", "--new-selector", "pp2")
        shop.publish(shop.record_of("pp2", begun["new_record"]))
        draft = h.write("draft.zone", shop.zone())
        assert shop.rotate("status", "--zone", draft)["step"] == "pending"
        for verb in ((), ("back",), ("cancel",)):
            refused = shop.service.run("dkim", "rotate", *verb, "--zone", draft, check=False)
            assert refused.returncode == 64 and "--zone is for" in refused.stderr, refused
        assert shop.rotate("status")["step"] == "pending"
        print("--zone shows, and moves nothing")


def a_wait_ends_when_it_goes_on():
    with house.House("wait") as h:
        shop = Shop(h)
        begun = shop.rotate("start", "--new-selector", "pp2")
        command = [house.PROGRAM, "dkim", "rotate", "--wait", "600", "--resolver", "127.0.0.2:%d" % shop.port, "--dns-port",
                   str(shop.port), "--json"]
        log = h.path("wait.err")
        with open(log, "w", encoding="utf-8") as err:
            waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True,
                                       env=dict(os.environ, PARCELPOST_CONFIG=shop.service.conf))
        h.stack.callback(waiting.kill)

        def looked():
            with open(log, encoding="utf-8") as f:
                return "looking again" in f.read()

        wait_for("the first look", looked)
        shop.publish(shop.record_of("pp2", begun["new_record"]))
        out, _ = waiting.communicate(timeout=60)
        ended = json.loads(out)
        assert waiting.returncode == 0 and len(ended) == 1 and ended[0]["moved"], (waiting.returncode, out)
        assert shop.rotate("--wait", "0", "--selector", "none").stdout == "[]\n"
        shop.rotate("--wait", "soon", code=64, json_too=False)
        print("--wait looked again and ended with the step")


if __name__ == "__main__":
    house.main(what_a_state_names_is_not_deleted_on_its_word, one_rotation_does_not_hold_back_another,
               a_second_rotation_is_the_one_that_is_meant, no_step_is_taken_on_the_word_of_a_draft, a_wait_ends_when_it_goes_on)
