"""peer -- what the peers' modules share: files with @NAMES@ in them that are filled in."""

import os
import re


def fill(source, to, values):
    """Copies a file with each @NAME@ replaced by its value."""
    with open(source, encoding="utf-8") as f:
        text = re.sub(r"@([A-Z]+)@", lambda found: str(values[found.group(1)]), f.read())
    with open(to, "w", encoding="utf-8") as f:
        f.write(text)


def fill_folder(source, to, values):
    os.makedirs(to, exist_ok=True)
    for name in os.listdir(source):
        fill(os.path.join(source, name), os.path.join(to, name), values)
