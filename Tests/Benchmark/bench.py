#!/usr/bin/env python3
"""Compares vitrine with the kernel's ext4 over a loop device and with fuse2fs, on one image, in one run.

The image's pages are cached, and each measurement has a mount of its own. The ways take turns run by run, in another
order each time, so that what else the machine does meets all of them. Figures are medians.
"""

import argparse
import collections
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile

import measurements
from image import BIG_SIZE, TREE_FILES, make_image
from servers import Fuse2fs, Kernel, Vitrine, VitrineCopying, VitrineUncached

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vitrine", required=True, help="the program to measure")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs; the results are not kept")
    parser.add_argument("--runs", type=int, help="how often each measurement is made (7; quick: 3)")
    parser.add_argument("--only", help="a regular expression: only the measurements whose names match")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: the kernel's ext4 and loop devices need root: please run it as root")
    runs = options.runs or (3 if options.quick else 7)
    # Leave by way of the `with` statements, so that nothing stays mounted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    data = os.path.join(HERE, "data")
    os.makedirs(data, exist_ok=True)
    image = os.path.join(data, "bench.ext4")
    if not os.path.exists(image):
        print("making the image …", flush=True)
    make_image(image)

    Vitrine.program = os.path.abspath(options.vitrine)
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory:
        point = os.path.join(directory, "mnt")
        os.mkdir(point)
        bench = Bench(image, point, runs, options)
        bench.run()
        report = bench.report()
    print()
    print(report)
    if not options.quick and not options.only:
        with open(os.path.join(HERE, "RESULTS.md"), "w") as file:
            file.write(report)


class Bench:
    def __init__(self, image, point, runs, options):
        self.image = image
        self.point = point
        self.runs = runs
        self.quick = options.quick
        self.only = re.compile(options.only or "")
        self.samples = collections.defaultdict(list)  # (measurement, way, figure) → values
        self.peaks = collections.defaultdict(int)  # way → bytes

    def run(self):
        everybody = {"kernel": Kernel, "fuse2fs": Fuse2fs, "vitrine": Vitrine}
        self.measure(
            "sequential", {**everybody, "cache=never": VitrineUncached, "cache=never, copy": VitrineCopying},
            measurements.sequential)
        for jobs in 1, 4:
            for warm in False, True:
                if warm:
                    amount = 0.7 if self.quick else 2
                else:
                    amount = (20_000 if self.quick else 60_000) // jobs
                self.measure(
                    f"random {jobs} {'warm' if warm else 'cold'}", everybody,
                    lambda mounted, jobs=jobs, warm=warm, amount=amount:
                        measurements.random_reads(mounted, jobs, warm, amount))
        self.measure("walk", everybody, measurements.walks)
        self.measure("tar", everybody, measurements.archive)
        self.measure_start()

    def measure(self, name, ways, function):
        if not self.only.search(name):
            return
        for run in range(self.runs):
            order = list(ways.items())
            order = order[run % len(order):] + order[:run % len(order)]
            for way, kind in order:
                with kind(self.image, self.point) as mounted:
                    self.keep(name, way, run, function(mounted))
                    self.peaks[way] = max(self.peaks[way], mounted.peak_memory() or 0)

    def measure_start(self):
        if not self.only.search("start"):
            return
        for run in range(self.runs * 2):
            try:
                figures = measurements.start(Vitrine.program, self.image, self.point)
            finally:
                subprocess.run([Vitrine.program, "umount", self.point], check=True)
            self.keep("start", "vitrine", run, figures)

    def keep(self, name, way, run, figures):
        for figure, value in figures.items():
            self.samples[name, way, figure].append(value)
        text = ", ".join(f"{value:,.4g} {figure}" for figure, value in figures.items())
        print(f"{name:16} {way:18} {run + 1}: {text}", flush=True)

    def median(self, name, way, figure):
        values = self.samples.get((name, way, figure))
        return statistics.median(values) if values else None

    def report(self):
        rows = [
            Row("sequential read, `cache=never`", "sequential", "GB/s", "kernel", at_least=0.8, way="cache=never"),
            Row("— the server's CPU", "sequential", "CPU s/GB", None, at_most=0.25, way="cache=never"),
            Row("— with `--reply copy`", "sequential", "GB/s", "kernel", way="cache=never, copy"),
            Row("— the server's CPU", "sequential", "CPU s/GB", None, way="cache=never, copy"),
            Row("sequential read", "sequential", "GB/s", "kernel", at_least=0.45),
            Row("— against fuse2fs", "sequential", "GB/s", "fuse2fs", at_least=3),
            Row("— the server's CPU", "sequential", "CPU s/GB", "fuse2fs"),
            Row("random 4 KiB, 1 job, cold", "random 1 cold", "reads/s", "fuse2fs", at_least=1),
            Row("random 4 KiB, 4 jobs, cold", "random 4 cold", "reads/s", "fuse2fs", at_least=1),
            Row("random 4 KiB, 1 job, warm", "random 1 warm", "reads/s", "kernel", at_least=0.95),
            Row("random 4 KiB, 4 jobs, warm", "random 4 warm", "reads/s", "kernel", at_least=0.95),
            Row("walk, first", "walk", "first s", "kernel", at_most=1.5),
            Row("walk, second", "walk", "second s", "kernel", at_most=1.2),
            Row("tar to a pipe, first", "tar", "s", "kernel", at_most=1.6),
            Row("start to first byte", "start", "ms", None, at_most=50),
        ]
        lines = [
            "# What the benchmark measured", "", *self.machine(), "",
            "| | unit | kernel | fuse2fs | vitrine | vitrine : | target | |",
            "|---|---|--:|--:|--:|---|---|---|",
        ]
        lines += filter(None, (row.line(self) for row in rows))
        peak = max((bytes for way, bytes in self.peaks.items() if way not in ("kernel", "fuse2fs")), default=0)
        if peak:
            mebibytes = peak / (1 << 20)
            fuse2fs = self.peaks["fuse2fs"] / (1 << 20)
            lines.append(
                f"| peak memory of the server | MiB | | {fuse2fs:.1f} | {mebibytes:.1f} | | ≤ 40 | "
                f"{verdict(mebibytes, at_most=40)} |")
        with open(os.path.join(HERE, "explanations.md")) as file:
            return "\n".join(lines) + "\n\n" + file.read()

    def machine(self):
        with open("/proc/cpuinfo") as file:
            model = re.search(r"model name\s*: (.*)", file.read())
        with open("/proc/meminfo") as file:
            memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1]) >> 20
        release = ".".join(platform.release().split("-")[0].split(".")[:2])
        return [
            f"{os.cpu_count()} cores{f' ({model[1].strip()})' if model else ''}, {memory} GiB, Linux {release}, "
            f"libfuse {version(['pkg-config', '--modversion', 'fuse3'])}, "
            f"fuse2fs {version(['e2fsck', '-V'])}.",
            f"One ext4 image with its pages cached, holding a file of {BIG_SIZE / 1e9:.2f} GB and a tree of "
            f"{TREE_FILES:,} files; a fresh mount each time; medians of {self.runs} runs that took turns, run by root.",
        ]


class Row:
    def __init__(self, title, name, figure, against, at_least=None, at_most=None, way="vitrine"):
        self.title, self.name, self.figure, self.against = title, name, figure, against
        self.at_least, self.at_most, self.way = at_least, at_most, way

    def line(self, bench):
        ours = bench.median(self.name, self.way, self.figure)
        if ours is None:
            return None
        others = [bench.median(self.name, way, self.figure) for way in ("kernel", "fuse2fs")]
        theirs = bench.median(self.name, self.against, self.figure) if self.against else None
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


def version(command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)*", done.stdout + done.stderr)
    return found[0] if found else "?"


if __name__ == "__main__":
    main()
