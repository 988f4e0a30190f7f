"""One run as an SVG: panels over the same time axis, drawn by hand. Pure text out of a run's figures."""
import math

from morning import mix

WIDTH, LEFT, RIGHT, PANEL, GAP, TOP, BOTTOM = 1000, 86, 24, 140, 46, 74, 62
BLUE, ORANGE, GREEN, RED, GREY, VIOLET = "#1f5fa8", "#d9822b", "#2e8b57", "#c23b3b", "#8a8a8a", "#7a4fa3"
INK, GRID = "#222222", "#e3e3e3"
STATUS_COLOURS = {"201": GREEN, "202": BLUE, "409": VIOLET, "422": ORANGE, "other": RED}
STATUS_NAMES = {"201": "201 stored", "202": "202 accepted", "409": "409 conflict", "422": "422 rejected", "other": "other or none"}


def steps(top, wanted=4):
    """Round values from 0 to at least top."""
    if top <= 0:
        return [0, 1]
    raw = top / wanted
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * n for n in (1, 2, 2.5, 5, 10) if size * n >= raw)
    return [n * step for n in range(math.ceil(top / step - 1e-9) + 1)]


def decades(low, high):
    first, last = math.floor(math.log10(max(low, 1e-3))), math.ceil(math.log10(max(high, 1e-2)))
    return [10.0 ** n for n in range(first, max(last, first + 1) + 1)]


def short(value):
    if value >= 1000:
        return f"{value / 1000:g} k"
    return f"{value:g}"


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Canvas:
    def __init__(self):
        self.out = []

    def text(self, x, y, text, anchor="start", size=12, colour=INK, weight="normal"):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
                        f'font-weight="{weight}">{escaped(text)}</text>')

    def line(self, x1, y1, x2, y2, colour=GRID, width=1, dash=""):
        self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"'
                        + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")

    def path(self, points, colour, fill=False, base=0):
        """A line through points; where one is None it is broken. fill: the area down to base instead."""
        part = []
        for point in [*points, None]:
            if point is not None:
                part.append(point)
                continue
            if part:
                d = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in part)
                if fill:
                    d += f" L{part[-1][0]:.1f},{base:.1f} L{part[0][0]:.1f},{base:.1f} Z"
                look = f'fill="{colour}" fill-opacity="0.25" stroke="none"' if fill else (
                    f'fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"')
                self.out.append(f'<path d="{d}" {look}/>')
            part = []


class Panel:
    """One set of axes. curves: (name, colour, values, filled). log: milliseconds over decades."""

    def __init__(self, title, unit, curves, log=False, marks=()):
        self.title, self.unit, self.curves, self.log, self.marks = title, unit, curves, log, marks
        values = [v for _, _, curve, _ in curves for v in curve if v is not None] + [m for m, _ in marks]
        if log:
            self.ticks = decades(min([v for v in values if v > 0], default=1), max(values, default=10))
        else:
            self.ticks = steps(max(values, default=0))

    def y(self, value, top):
        low, high = self.ticks[0], self.ticks[-1]
        share = (math.log10(max(value, low) / low) / math.log10(high / low)) if self.log else value / high
        return top + PANEL * (1 - share)

    def draw(self, canvas, top, x_of, at_s):
        canvas.text(LEFT, top - 10, self.title, size=13, weight="bold")
        canvas.text(LEFT + 14 + 8.2 * len(self.title), top - 10, self.unit, size=11, colour=GREY)
        for tick in self.ticks:
            y = self.y(tick, top)
            canvas.line(LEFT, y, WIDTH - RIGHT, y)
            canvas.text(LEFT - 8, y + 4, short(tick), "end", 11)
        for value, label in self.marks:
            y = self.y(value, top)
            canvas.line(LEFT, y, WIDTH - RIGHT, y, RED, 1, "6 4")
            canvas.text(WIDTH - RIGHT - 4, y + 14, label, "end", 11, RED)
        x = WIDTH - RIGHT
        for name, colour, values, filled in reversed(self.curves):
            points = [None if v is None else (x_of(t), self.y(v, top)) for t, v in zip(at_s, values)]
            canvas.path(points, colour, filled, top + PANEL)
            if filled:
                canvas.path(points, colour)
            canvas.text(x, top - 10, name, "end", 12)
            x -= 7.2 * len(name) + 8
            canvas.line(x - 16, top - 14, x, top - 14, colour, 3)
            x -= 34
        canvas.line(LEFT, top + PANEL, WIDTH - RIGHT, top + PANEL, INK)


def panels_of(outcome):
    s = outcome.series
    answered = [(STATUS_NAMES[name], STATUS_COLOURS[name], values, False) for name, values in s.answers.items() if any(values)]
    return [
        Panel("Arrivals and stored", "submissions a second",
              [("due", GREY, s.arrivals, True), ("stored", GREEN, s.stored, False)]),
        Panel("Acknowledged", "milliseconds from due to the first 201 or 202",
              [("p50", BLUE, s.acknowledged["p50"], False), ("p99", ORANGE, s.acknowledged["p99"], False)], log=True),
        Panel("Backlog", "messages on the broker's disk and not finished", [("live", VIOLET, s.backlog, True)]),
        Panel("Alerts", "milliseconds from due to the entry in sluice:alerts:STUDY",
              [("p50", BLUE, s.alerts["p50"], False), ("p99", ORANGE, s.alerts["p99"], False)], log=True, marks=[(1000, "1 s")]),
        Panel("Answers", "a second, by status", answered),
    ]


def time_ticks(seconds, compress):
    """[(second of the run, label)] and the axis's name: the morning's clock, or seconds where nothing is compressed."""
    if not compress:
        return [(t, short(t)) for t in steps(seconds, 10) if t <= seconds], "seconds of the run"
    minutes = range(-mix.REMINDER_MIN, mix.MORNING_MIN - mix.REMINDER_MIN + 1, 30)
    return [((m + mix.REMINDER_MIN) * 60 / compress, f"{m:+d}" if m else "reminder") for m in minutes], \
        f"minutes of the morning around the reminder ({mix.MORNING_MIN} min in {mix.MORNING_MIN * 60 / compress:.0f} s)"


def svg(outcome, compress=None):
    """The text of the picture. compress: how much faster the morning passed, or None."""
    s = outcome.series
    panels = panels_of(outcome)
    span = s.bin_s * s.bins
    height = TOP + len(panels) * (PANEL + GAP) - GAP + BOTTOM
    canvas = Canvas()

    def x_of(at_s):
        return LEFT + (WIDTH - LEFT - RIGHT) * at_s / span

    canvas.text(LEFT, 26, f"{outcome.name[0].upper()}{outcome.name[1:]}: {sum(outcome.books.answers.values()):,} submissions sent, "
                f"{outcome.books.stored:,} stored in {outcome.seconds:.0f} s", size=17, weight="bold")
    canvas.text(LEFT, 44, f"bins of {s.bin_s:.2f} s; load generator {outcome.offered.cpu['generator'] / outcome.seconds:.0%} of one core; "
                f"{outcome.alerts['share']:.0%} of the submissions raise an alert", size=12, colour="#555555")
    ticks, name = time_ticks(span, compress)
    for n, panel in enumerate(panels):
        top = TOP + n * (PANEL + GAP)
        for at_s, _ in ticks:
            if at_s <= span:
                canvas.line(x_of(at_s), top, x_of(at_s), top + PANEL)
        panel.draw(canvas, top, x_of, s.at_s)
    bottom = height - BOTTOM
    for at_s, label in ticks:
        if at_s <= span:
            canvas.line(x_of(at_s), bottom, x_of(at_s), bottom + 5, INK)
            canvas.text(x_of(at_s), bottom + 19, label, "middle", 11)
    canvas.text((LEFT + WIDTH - RIGHT) / 2, bottom + 42, name, "middle", 12)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(canvas.out) + "\n</svg>\n")


def draw(path, outcome, compress=None):
    with open(path, "w", encoding="utf-8") as f:
        f.write(svg(outcome, compress))
