"""plot -- line charts as SVG, for docs/performance.md: panels below each other that share one x axis.

    plot.chart([plot.Panel("memory, MB", [("", [(0, 80), (600, 82)])])], "seconds")

Each panel has its own y axis from zero; with several lines, each carries its label at its end. Axes have round numbers."""

import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP, BOTTOM = 760, 130, 70, 110, 26, 44, 46
COLOURS = ["#1f6feb", "#d1570a", "#2f8132", "#8b49c8"]


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    lines: list  # of (label, [(x, y), ...])
    dots: bool = False  # few points: each is marked


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


def text(x, y, words, anchor="middle", colour="#57606a", more=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s"%s>%s</text>' % (x, y, anchor, colour, more, escape(words))


def panel(p, top, x, x_marks):
    y_marks = round_steps(max(v for _, points in p.lines for _, v in points))
    y = Axis(0, y_marks[-1], top + HEIGHT, -HEIGHT)
    parts = [text(LEFT, top - 9, p.title, "start", "#24292f", ' font-weight="600"')]
    for v in y_marks:
        parts.append('<path d="M%d %.1fH%d" stroke="#d8dee4"/>' % (LEFT, y(v), WIDTH - RIGHT))
        parts.append(text(LEFT - 8, y(v) + 4, number(v), "end"))
    for v in x_marks:
        parts.append('<path d="M%.1f %dV%d" stroke="#eaeef2"/>' % (x(v), top, top + HEIGHT))
    for i, (label, points) in enumerate(p.lines):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join("%.1f,%.1f" % (x(a), y(b)) for a, b in points)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>' % (path, colour))
        if p.dots:
            parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x(a), y(b), colour) for a, b in points]
        if label:
            parts.append(text(x(points[-1][0]) + 8, y(points[-1][1]) + 4, label, "start", colour))
    return parts


def chart(panels, x_label, log_x=False):
    """The SVG of panels: [Panel]."""
    x, x_marks = x_axis([a for p in panels for _, points in p.lines for a, _ in points], log_x)
    height = TOP + len(panels) * (HEIGHT + GAP) - GAP + BOTTOM
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (
        WIDTH, height), '<rect width="%d" height="%d" fill="#ffffff"/>' % (WIDTH, height)]
    for i, p in enumerate(panels):
        parts += panel(p, TOP + i * (HEIGHT + GAP), x, x_marks)
    bottom = height - BOTTOM
    parts += [text(x(v), bottom + 18, number(v)) for v in x_marks]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 36, x_label))
    return "\n".join(parts + ["</svg>"]) + "\n"
