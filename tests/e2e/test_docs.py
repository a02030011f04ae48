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
            for part in ("subject", "html", "text"):
                done = service.run("render", request["template"], "--data", data, "--locale", request["locale"], "--part", part)
                assert request["data"]["order"]["number"].strip("#") in done.stdout, (path, part)


if __name__ == "__main__":
    house.main(the_settings_page_is_what_the_program_prints, every_command_explains_itself_with_an_example,
               the_example_orders_render_in_their_language)
