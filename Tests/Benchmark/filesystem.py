"""The files of an ext4 image: vitrine against the kernel's driver over a loop device, and against fuse2fs."""

import functools
import os
import subprocess

import measurements
from image import BIG_SIZE, TREE_FILES, make_image
from servers import Fuse2fs, Kernel, Vitrine, VitrineCopying, VitrineUncached
from suite import Row, Suite, number, verdict


class FileSystemSuite(Suite):
    others = ("kernel", "fuse2fs")

    def __init__(self, data, *arguments):
        super().__init__(*arguments)
        self.image = os.path.join(data, "bench.ext4")
        if not os.path.exists(self.image):
            print("making the image …", flush=True)
        make_image(self.image)

    def title(self):
        return (
            f"One ext4 image with its pages cached, holding a file of {BIG_SIZE / 1e9:.2f} GB and a tree of "
            f"{TREE_FILES:,} files; a fresh mount each time; medians of {self.runs} runs that took turns, run by root.")

    def run(self):
        def way(kind):
            return functools.partial(kind, self.image, self.point)

        everybody = {"kernel": way(Kernel), "fuse2fs": way(Fuse2fs), "vitrine": way(Vitrine)}
        self.measure(
            "sequential",
            {**everybody, "cache=never": way(VitrineUncached), "cache=never, copy": way(VitrineCopying)},
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

    def measure_start(self):
        if not self.only.search("start"):
            return
        for run in range(self.runs * 2):
            try:
                figures = measurements.start(Vitrine.program, self.image, self.point)
            finally:
                subprocess.run([Vitrine.program, "umount", self.point], check=True)
            self.keep("start", "vitrine", run, figures)

    def rows(self):
        return [
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

    def last_lines(self):
        if not self.peak():
            return []
        mebibytes = self.peak() / (1 << 20)
        return [
            f"| peak memory of the server | MiB | | {number(self.peaks['fuse2fs'] / (1 << 20))} | {number(mebibytes)} | | "
            f"≤ 40 | {verdict(mebibytes, at_most=40)} |"]
