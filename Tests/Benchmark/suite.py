"""What all comparisons share: ways that take turns, samples, medians, and a table of them."""

import collections
import re
import statistics


class Suite:
    """Measurements of one kind, and the table that they make.

    `others` are the ways that ours are compared with, each a column; the rest are ours.
    """

    others = ()

    def __init__(self, point, runs, quick, only):
        self.point = point
        self.runs = runs
        self.quick = quick
        self.only = re.compile(only or "")
        self.samples = collections.defaultdict(list)  # (measurement, way, figure) → values
        self.peaks = collections.defaultdict(int)  # way → bytes

    def measure(self, name, ways, function):
        """`ways` are functions that give something to use in a `with`, which `function` measures."""
        if not self.only.search(name):
            return
        for run in range(self.runs):
            order = list(ways.items())
            order = order[run % len(order):] + order[:run % len(order)]
            for way, make in order:
                with make() as mounted:
                    self.keep(name, way, run, function(mounted))
                    self.peaks[way] = max(self.peaks[way], mounted.peak_memory() or 0)

    def keep(self, name, way, run, figures):
        for figure, value in figures.items():
            self.samples[name, way, figure].append(value)
        text = ", ".join(f"{value:,.4g} {figure}" for figure, value in figures.items())
        print(f"{name:20} {way:18} {run + 1}: {text}", flush=True)

    def median(self, name, way, figure):
        values = self.samples.get((name, way, figure))
        return statistics.median(values) if values else None

    def peak(self):
        """Of our servers, bytes."""
        return max((peak for way, peak in self.peaks.items() if way not in self.others), default=0)

    def title(self):
        """What is compared with what, in a sentence."""
        raise NotImplementedError

    def rows(self):
        """The table, as `Row`s."""
        raise NotImplementedError

    def last_lines(self):
        """Lines of the table that are no rows of `Row`."""
        return []

    def table(self):
        lines = list(filter(None, (row.line(self) for row in self.rows()))) + self.last_lines()
        if not lines:
            return []
        return [
            "| | unit | " + " | ".join(self.others) + " | vitrine | vitrine : | target | |",
            "|---|---|" + "--:|" * len(self.others) + "--:|---|---|---|", *lines]


class Row:
    def __init__(self, title, name, figure, against, at_least=None, at_most=None, way="vitrine"):
        self.title, self.name, self.figure, self.against = title, name, figure, against
        self.at_least, self.at_most, self.way = at_least, at_most, way

    def line(self, suite):
        ours = suite.median(self.name, self.way, self.figure)
        if ours is None:
            return None
        others = [suite.median(self.name, way, self.figure) for way in suite.others]
        theirs = suite.median(self.name, self.against, self.figure) if self.against else None
        compared = ours / theirs if theirs else ours
        ratio = f"{compared:.2f} × {self.against}" if theirs else ""
        target = f"≥ {self.at_least}" if self.at_least else f"≤ {self.at_most}" if self.at_most else ""
        cells = [self.title, self.figure.removeprefix("first ").removeprefix("second "), *map(number, [*others, ours]),
                 ratio, target, verdict(compared, self.at_least, self.at_most) if target else ""]
        return "| " + " | ".join(cells) + " |"


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(value, at_least=None, at_most=None):
    """Whether a target is met, and if not, by how much it is missed."""
    if at_least is not None:
        return "met" if value >= at_least else f"missed by {(1 - value / at_least) * 100:.0f} %"
    return "met" if value <= at_most else f"missed by {(value / at_most - 1) * 100:.0f} %"
