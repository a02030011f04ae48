"""plot -- line charts as SVG, for docs/performance.md: panels below each other that share one x axis.

    plot.chart([plot.Panel("memory, MB", [("", [(0, 80), (600, 82)])])], "seconds")

Each panel has its own y axis from zero; with several lines, each carries its label at its end. Axes have round numbers. The
colours follow the reader's choice of light or dark."""

import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP, BOTTOM = 760, 130, 70, 110, 26, 44, 46
COLOURS = ["#2f81f7", "#db6d28", "#3a9a4b", "#a371f7"]
STYLE = """<style>
.paper { fill: #ffffff } .ink { fill: #24292f } .faint { fill: #57606a } .line { stroke: #d8dee4 } .goal { stroke: #57606a }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9198a1 } .line { stroke: #30363d } .goal { stroke: #9198a1 }
}
</style>"""


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    lines: list  # of (label, [(x, y), ...])
    dots: bool = False  # few points: each is marked
    goals: tuple = ()  # of (value, label): a dashed line each


def round_steps(top, about=4):
    """Round numbers from zero to at least top."""
    raw = (top or 1) / about
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= raw)
    return [step * i for i in range(math.ceil((top or 1) / step - 1e-9) + 1)]


def number(value):
    if value >= 1e6 and value % 1e5 == 0:
        return "%g M" % (value / 1e6)
    if value >= 1e4 and value % 100 == 0:
        return "%g k" % (value / 1e3)
    return "%g" % value


class Axis:
    """From values to pixels."""

    def __init__(self, low, high, at, length, log=False):
        self.scale = math.log10 if log else float
        self.low, self.high = self.scale(low), self.scale(high)
        self.at, self.length = at, length

    def __call__(self, value):
        return self.at + (self.scale(value) - self.low) / ((self.high - self.low) or 1) * self.length


def x_axis(xs, log):
    if not log:
        marks = round_steps(max(xs), 8)
        return Axis(0, marks[-1], LEFT, WIDTH - LEFT - RIGHT), marks
    low, high = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    return Axis(10 ** low, 10 ** high, LEFT, WIDTH - LEFT - RIGHT, True), [10 ** i for i in range(low, high + 1)]


def text(x, y, words, anchor="middle", look='class="faint"'):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>' % (x, y, anchor, look, escape(words))


def panel(p, top, x, x_marks):
    y_marks = round_steps(max([v for _, points in p.lines for _, v in points] + [v for v, _ in p.goals]))
    y = Axis(0, y_marks[-1], top + HEIGHT, -HEIGHT)
    parts = [text(LEFT, top - 9, p.title, "start", 'class="ink" font-weight="600"')]
    for v in y_marks:
        parts.append('<path class="line" d="M%d %.1fH%d"/>' % (LEFT, y(v), WIDTH - RIGHT))
        parts.append(text(LEFT - 8, y(v) + 4, number(v), "end"))
    for v in x_marks:
        parts.append('<path class="line" d="M%.1f %dV%d"/>' % (x(v), top, top + HEIGHT))
    for i, (label, points) in enumerate(p.lines):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join("%.1f,%.1f" % (x(a), y(b)) for a, b in points)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>' % (path, colour))
        if p.dots:
            parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x(a), y(b), colour) for a, b in points]
        if label:
            parts.append(text(x(points[-1][0]) + 8, y(points[-1][1]) + 4, label, "start", 'fill="%s"' % colour))
    for v, label in p.goals:
        parts.append('<path class="goal" stroke-dasharray="5 4" d="M%d %.1fH%d"/>' % (LEFT, y(v), WIDTH - RIGHT))
        parts.append(text(WIDTH - RIGHT + 8, y(v) + 4, label, "start"))
    return parts


def chart(panels, x_label, log_x=False):
    """The SVG of panels: [Panel]."""
    x, x_marks = x_axis([a for p in panels for _, points in p.lines for a, _ in points], log_x)
    height = TOP + len(panels) * (HEIGHT + GAP) - GAP + BOTTOM
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (
        WIDTH, height), STYLE, '<rect class="paper" width="%d" height="%d"/>' % (WIDTH, height)]
    for i, p in enumerate(panels):
        parts += panel(p, TOP + i * (HEIGHT + GAP), x, x_marks)
    bottom = height - BOTTOM
    parts += [text(x(v), bottom + 18, number(v)) for v in x_marks]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 36, x_label))
    return "\n".join(parts + ["</svg>"]) + "\n"
