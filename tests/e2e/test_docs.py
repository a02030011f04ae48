"""What is generated is current, and what is shown works: docs/config.md, every command's --help, the rendered examples."""

import glob
import json
import os
import re
import subprocess

import house


def run(*arguments):
    return subprocess.run([house.PROGRAM, *arguments], capture_output=True, text=True, timeout=30)


def the_settings_page_is_what_the_program_prints():
    with open(os.path.join(house.TOP, "docs", "config.md")) as f:
        assert f.read() == run("config", "document").stdout, "parcelpost config document > docs/config.md"


def the_pages_on_deliverability_show_what_check_dns_and_spf_print():
    for name in ("deliverability.zh-CN.md", "deliverability.md"):
        with open(os.path.join(house.TOP, "docs", name)) as f:
            page = f.read()
        shown = re.findall(r"^\$ parcelpost ((?:check-dns|spf) .*)\n((?:.*\n)*?)```$", page, re.M)
        assert shown
        for command, output in shown:
            done = subprocess.run([house.PROGRAM, *command.split()], capture_output=True, text=True, timeout=30, cwd=house.TOP,
                                  env=dict(os.environ, PARCELPOST_CONFIG="", LC_ALL="C"))
            assert done.stdout == output, command
    assert run("check-dns", "--codes").stdout in page, "parcelpost check-dns --codes is the table at the page's end"


def the_records_to_publish_can_be_tried_as_they_stand():
    with open(os.path.join(house.TOP, "docs", "deliverability.md")) as f:
        page = f.read()
    zone = re.search(r"## What to publish\n.*?```\n(.*?)```", page, re.S).group(1)
    commands = re.findall(r"`parcelpost ([^`]* --zone new\.zone)`", page)
    assert [command.split()[0] for command in commands] == ["dmarc", "spf"], commands
    with house.House("zone") as h:
        path = h.write("new.zone", zone)
        for command in commands:
            done = run(*command.replace("new.zone", path).split(), "--resolver", "none")
            assert done.returncode == 0 and ": pass\n" in done.stdout, (command, done)


def the_records_to_publish_are_all_that_the_hosts_need():
    with open(os.path.join(house.TOP, "docs", "deliverability.md")) as f:
        page = f.read()
    zone = re.search(r"## What to publish\n.*?```\n(.*?)```", page, re.S).group(1)
    pointer = re.search(r"^; (\S+\.in-addr\.arpa\. IN PTR .*)$", zone, re.M).group(1)
    reverse = "$ORIGIN 100.51.198.in-addr.arpa.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\n" + pointer + "\n"
    with house.House("zone") as h:
        done = run("check-dns", "shop.example", "--selector", "pp1", "--ip", "198.51.100.7", "--mail-from", "bounce.shop.example", "--helo",
                   "mx.shop.example", "--zone", h.write("new.zone", zone), "--zone", h.write("reverse.zone", reverse), "--resolver", "none",
                   "--json")
        report = json.loads(done.stdout)
        found = [f["code"] for f in report["findings"] if f["code"].startswith(("MX-", "PTR-", "HELO-", "SPF-", "RETURN-"))]
        missed = json.dumps(report["not_checked"])
        assert not found and not re.search("MX-MISSING|MX-NO-ADDRESS|PTR-MISSING|HELO-UNRESOLVED", missed), (found, missed)


def every_command_explains_itself_with_an_example():
    overview = run("--help").stdout
    commands = re.findall(r"^  ([a-z-]+) ", overview, re.M)
    assert len(commands) >= 10, commands
    with open(os.path.join(house.TOP, "packaging", "parcelpost.1")) as f:
        assert sorted(re.findall(r"^\.It Cm ([a-z-]+)", f.read(), re.M)) == sorted(commands), "the man page lists every command"
    for command in commands:
        done = run(command, "--help")
        assert done.returncode == 0 and "example:\n  parcelpost " + command in done.stdout, command
        wrong = run(command, "--no-such-option")
        assert wrong.returncode == 64 and "--no-such-option" in wrong.stderr, (command, wrong)


def the_example_orders_render_in_their_language():
    with house.House("docs") as h:
        service = house.Service(h)
        for path in glob.glob(os.path.join(house.TOP, "docs", "examples", "*.json")):
            with open(path) as f:
                request = json.load(f)
            data = h.write("data.json", json.dumps(request["data"]))
            for part in ("subject", "preheader", "html", "text"):
                done = service.run("render", request["template"], "--data", data, "--locale", request["locale"], "--part", part)
                assert part == "preheader" or request["data"]["order"]["number"].strip("#") in done.stdout, (path, part)
                assert done.stdout and "u/preview" not in done.stdout, "no way to leave the mails of an order: %s" % path


def the_batch_of_the_api_page_is_answered_as_shown():
    with open(os.path.join(house.TOP, "docs", "http-api.md")) as f:
        body, shown = re.search(r"## Send many\n.*?--data '(.*?)'.*?\n(\{\"accepted\".*?)\n```", f.read(), re.S).groups()
    with house.House("batch") as h:
        service = h.keep(house.Service(h, arguments=["--sandbox"]))
        key = (service.start(), service.key())[1]
        status, _, answer = service.call("POST", "/v1/messages/batch", key, json.loads(body))
        assert status == 207, (status, answer)
        assert '"accepted":%d,"refused":%d' % (answer["accepted"], answer["refused"]) in shown, answer
        assert [sorted(result) for result in answer["results"]] == [["id", "links", "state", "status"],
               ["code", "detail", "errors", "request_id", "status", "title", "type"]], answer
        faults = ['"pointer":"%s","code":"%s"' % (fault["pointer"], fault["code"]) for fault in answer["results"][1]["errors"]]
        assert len(faults) == 1 and faults[0] in shown, answer


def the_settings_of_the_operations_page_are_good():
    with open(os.path.join(house.TOP, "docs", "operations.md")) as f:
        settings = re.search(r"```settings\n(.*?)```", f.read(), re.S).group(1)
    with house.House("settings") as h:
        places = 'templates_dir = "%s"\n' % os.path.join(house.TOP, "templates")
        for name in ("data_dir", "keyring_file", "captured_dir"):  # whose folders by default this machine need not have
            places += "" if re.search(r"(?m)^%s\b" % name, settings) else '%s = "%s"\n' % (name, h.path(name))
        path = h.write("parcelpost.conf", places + settings)
        assert run("dkim", "new", "--domain", "shop.example", "--selector", "pp1", "--out", h.path("pp1.pem")).returncode == 0
        done = run("config", "check", "--config", path)
        assert done.returncode == 0, done.stderr
        zone = run("dkim", "zone", "--config", path).stdout
        assert "pp1._domainkey.shop.example." in zone and "ip4:192.0.2.25" in zone, zone


def the_program_is_called_where_it_is_installed():
    with open(os.path.join(house.TOP, "docs", "operations.md")) as f:
        called = re.findall(r"\S*/bin/parcelpost\b", f.read())
    assert called and set(called) == {"/usr/bin/parcelpost"}, called


def links_between_pages_lead_somewhere():
    for page in [os.path.join(house.TOP, "README.md"), *glob.glob(os.path.join(house.TOP, "docs", "**", "*.md"), recursive=True)]:
        with open(page) as f:
            for target in re.findall(r"\]\(([^)#:]+)\)", f.read()):
                assert os.path.exists(os.path.join(os.path.dirname(page), target)), (page, target)


if __name__ == "__main__":
    house.main(the_settings_page_is_what_the_program_prints, the_pages_on_deliverability_show_what_check_dns_and_spf_print,
               the_records_to_publish_can_be_tried_as_they_stand, the_records_to_publish_are_all_that_the_hosts_need,
               every_command_explains_itself_with_an_example,
               the_example_orders_render_in_their_language, the_batch_of_the_api_page_is_answered_as_shown, the_settings_of_the_operations_page_are_good,
               the_program_is_called_where_it_is_installed, links_between_pages_lead_somewhere)
