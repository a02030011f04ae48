"""report -- what a subject of the bench found: rows with their ratios, notes and pictures; and the page made of them.

A row sets a figure beside another one of the same run: a limit (what the machine could do if nothing else were to be
done) or a peer (what another program does with the same work). The ratio comes first, because it is what remains when
the machine changes; a goal, where there is one, is a ratio too. Rows and notes are printed as they come."""

import dataclasses
import datetime
import os

BEGIN, END = "<!-- measured: script/bench --write replaces this part -->\n", "<!-- measured: end -->\n"
BEGIN_LONG, END_LONG = "<!-- measured at length: script/bench --full --write replaces this part -->\n", "<!-- measured at length: end -->\n"


@dataclasses.dataclass(frozen=True)
class Row:
    figure: str
    value: float
    beside: str = ""  # what the other figure is; "" when the figure stands alone
    other: float = 0.0
    unit: str = "/s"  # behind the number
    less_is_better: bool = False
    goal: float = 0.0  # the least ratio that is wanted; 0 for none

    @property
    def ratio(self):
        """Above 1 where this figure is better than the one beside it."""
        if not self.other or not self.value:
            return 0.0
        return self.other / self.value if self.less_is_better else self.value / self.other

    def number(self, value):
        """Three figures at least."""
        return "{:,.{}f}".format(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2).rstrip() + self.unit


class Findings:
    """What one subject found."""

    def __init__(self):
        self.rows = []
        self.notes = []
        self.pictures = {}  # file name: SVG

    def row(self, figure, value, beside="", other=0.0, **more):
        """more: as the fields of Row. Returns the row."""
        row = Row(figure, value, beside, other, **more)
        self.rows.append(row)
        against = "%5.2f of %s: %s" % (row.ratio, row.number(row.other), row.beside) if row.other else ""
        goal = " (goal %.1f)" % row.goal if row.goal else ""
        print("%-54s %11s   %s%s" % (row.figure, row.number(row.value), against, goal), flush=True)
        return row

    def note(self, text):
        self.notes.append(text)
        print("    " + text, flush=True)

    def picture(self, name, svg):
        """name.svg, beside the page."""
        self.pictures[name] = svg


# ---- the page ------------------------------------------------------------------------------------------------------------

def table(rows):
    goals = any(row.goal for row in rows)
    head = ["ratio", "goal", "figure", "measured", "beside"] if goals else ["ratio", "figure", "measured", "beside"]
    lines = ["| %s |" % " | ".join(head), "|%s" % ("---|" * len(head))]
    for row in rows:
        cells = ["%.2f" % row.ratio if row.other else ""]
        if goals:
            cells.append("%.1f" % row.goal if row.goal else "")
        beside = "%s, %s" % (row.number(row.other), row.beside) if row.other else ""
        lines.append("| %s |" % " | ".join(cells + [row.figure, row.number(row.value), beside]))
    return "\n".join(lines)


def section(title, findings, stamp):
    parts = ["## " + title, stamp]
    if findings.rows:
        parts.append(table(findings.rows))
    parts += ["![%s](%s.svg)" % (name.replace("-", " "), name) for name in sorted(findings.pictures)]
    if findings.notes:
        parts.append("\n".join("- " + note for note in findings.notes))
    return "\n\n".join(parts)


def sections_of(text):
    """{title: the section as it stands} of a part of the page."""
    return {piece.split("\n", 1)[0]: "## " + piece.strip() for piece in ("\n" + text).split("\n## ")[1:]}


def write_page(path, titles, found, machine, commit, command, begin=BEGIN, end=END):
    """titles: all there are, in the order of the page; found: {title: Findings}. A section that was not measured now stays
    as it is, with the day and the commit of its own. What stands outside of begin and end is written by hand."""
    with open(path, encoding="utf-8") as f:
        head, _, rest = f.read().partition(begin)
        before, mark, tail = rest.partition(end)
    if not mark:
        raise SystemExit("bench: %s lacks the lines %s and %s" % (path, begin.strip(), end.strip()))
    stamp = "Measured %s at commit %s by `%s`." % (datetime.date.today().isoformat(), commit, command)
    standing = sections_of(before)
    standing.update({title: section(title, findings, stamp) for title, findings in found.items()})
    parts = ["\n".join("- " + line for line in machine)] + [standing[title] for title in titles if title in standing]
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + begin + "\n" + "\n\n".join(parts) + "\n\n" + end + tail)
    for findings in found.values():
        for name, svg in findings.pictures.items():
            with open(os.path.join(os.path.dirname(path), name + ".svg"), "w", encoding="utf-8") as f:
                f.write(svg)
