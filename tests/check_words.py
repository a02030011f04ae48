#!/usr/bin/env python3
"""check_words.py ROOT [--seen] -- every sentence that the audit and check-dns can say has its text in every catalog of
templates/locales/check-dns, with the same placeholders; no catalog has a text that nobody says, or a character whose
width terminals do not agree on. tests/words_seen.json has the English that the translations were looked at beside: a
sentence that changed is a fault until somebody has looked again and says so with --seen, which writes the file."""

import glob
import json
import os
import re
import sys
import unicodedata

MAKERS = {"SAID": 0, "SAID_INIT": 0, "SAY": 1, "SAY_AROUND": 2, "said_make": 1, "no_proof": 1}
LITERAL = re.compile(r'"((?:\\.|[^"\\])*)"')
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def arguments(source, at):
    """The arguments of a call whose bracket opens just before `at`."""
    depth, one, found = 1, "", []
    while True:
        literal = LITERAL.match(source, at)
        if literal:
            one += literal.group(0)
            at = literal.end()
            continue
        character = source[at]
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return found + [one]
        if character == "," and depth == 1:
            found.append(one)
            one = ""
        else:
            one += character
        at += 1


def text_of(argument):
    return "".join(LITERAL.findall(argument))


def said(root):
    """Each key with its English texts, as the sources have them."""
    keys = {}
    for path in sorted(glob.glob(f"{root}/dns/**/*.c", recursive=True) + glob.glob(f"{root}/mailer/cli/*.c")):
        source = open(path, encoding="utf-8").read()
        for call in re.finditer(r"\b(%s)\(" % "|".join(MAKERS), source):
            given = arguments(source, call.end())
            first = MAKERS[call.group(1)]
            if len(given) > first + 1 and text_of(given[first]):
                keys.setdefault(text_of(given[first]), set()).add(text_of(given[first + 1]))
    return keys


def words_of_tables(root):
    """Keys that are made of other words: titles and whys of codes, why a page did not come, names of rules."""
    def read(path):
        return open(f"{root}/{path}", encoding="utf-8").read()
    table = read("dns/audit/table.c")
    for row in re.finditer(r'\{(?="[A-Z0-9-]+", [EWN],)', table):
        code, _, _, title, why = map(text_of, arguments(table, row.end())[:5])
        yield f"{code}.title", title
        yield f"{code}.why", why
    statuses = re.search(r"fetch_status_name\(enum.*?\{\s*static const char \*const names\[\] = \{(.*?)\}",
                         read("base/fetch.c"), re.S)
    yield from ((f"page.{name}", name) for name in LITERAL.findall(statuses.group(1)) if name != "ok")
    yield from ((f"check.rule.{name}", name) for name in re.findall(r'= \{"([a-z-]+)", judge_', read("dns/audit/providers.c")))
    yield from ((f"dnssec.word.{name}", name) for name in re.findall(r'\[DNSSEC_\w+\] = "(\w+)"', read("dns/dnssec.c")))


def unseen(root, keys, write):
    """Sentences whose English is not the one that the translations were looked at beside."""
    path = f"{root}/tests/words_seen.json"
    now = {key: sorted(texts) for key, texts in sorted(keys.items())}
    if write:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(now, file, indent=0, ensure_ascii=False)
            file.write("\n")
    with open(path, encoding="utf-8") as file:
        seen = json.load(file)
    return [f"{key}: the English has changed: look at its translations, then run tests/check_words.py . --seen"
            for key in sorted(set(now) | set(seen)) if now.get(key) != seen.get(key)]


def main(root, write):
    faults = []
    texts_of = said(root)
    for key, text in words_of_tables(root):
        texts_of.setdefault(key, set()).add(text)
    keys = {key: {frozenset(PLACEHOLDER.findall(text)) for text in texts} for key, texts in texts_of.items()}
    for key, forms in keys.items():
        if len(forms) > 1:
            faults.append(f"{key}: is said with different values: {sorted(map(sorted, forms))}")
    faults += unseen(root, texts_of, write)
    if len(keys) < 200:
        faults.append(f"only {len(keys)} sentences were found in the sources")
    catalogs = sorted(glob.glob(f"{root}/templates/locales/check-dns/*.json"))
    for path in catalogs:
        name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            pairs = json.load(file, object_pairs_hook=list)
        texts = dict(pairs)
        faults += [f"{name}: {key} stands twice" for key in texts if sum(pair[0] == key for pair in pairs) > 1]
        for key, forms in sorted(keys.items()):
            if key not in texts:
                faults.append(f"{name}: {key} is missing")
            elif frozenset(PLACEHOLDER.findall(texts[key])) not in forms:
                faults.append(f"{name}: {key} has not the placeholders of the English")
        faults += [f"{name}: {key} is said by nobody" for key in texts if key not in keys]
        faults += [f"{name}: {key} has {c!r}, whose width terminals do not agree on" for key, text in texts.items()
                   for c in text if unicodedata.east_asian_width(c) == "A"]
    print("\n".join(faults))
    print(f"check_words: {len(keys)} sentences, {len(catalogs)} catalogs, {len(faults)} faults")
    return 1 if faults or not catalogs else 0


sys.exit(main(sys.argv[1], "--seen" in sys.argv[2:]))
