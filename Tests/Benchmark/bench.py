#!/usr/bin/env python3
"""Compares vitrine with the kernel and with other programs that read the same images, in one run.

The images' pages are cached, and each measurement has a mount of its own. The ways take turns run by run, in another
order each time, so that what else the machine does meets all of them. Figures are medians.
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile

from commands import CommandSuite
from compressed import CompressedSuite
from disk_images import DiskImageSuite
from filesystem import FileSystemSuite
from servers import Vitrine

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
    Vitrine.program = os.path.abspath(options.vitrine)
    lines = ["# What the benchmark measured", "", machine(), ""]
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory:
        point = os.path.join(directory, "mnt")
        os.mkdir(point)
        for heading, kind in (
            ("Files of an ext4 image", FileSystemSuite), ("Disk images", DiskImageSuite),
            ("Compressed filesystems", CompressedSuite), ("Commands without a mount", CommandSuite),
        ):
            suite = kind(data, point, runs, options.quick, options.only)
            suite.run()
            table = suite.table()
            if table:
                lines += [f"## {heading}", "", suite.title(), "", *table, ""]
    with open(os.path.join(HERE, "explanations.md")) as file:
        report = "\n".join(lines) + "\n" + file.read()
    print()
    print(report)
    if not options.quick and not options.only:
        with open(os.path.join(HERE, "RESULTS.md"), "w") as file:
            file.write(report)


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1]) >> 20
    release = ".".join(platform.release().split("-")[0].split(".")[:2])
    return (
        f"{os.cpu_count()} cores{f' ({model[1].strip()})' if model else ''}, {memory} GiB, Linux {release}, "
        f"libfuse {version(['pkg-config', '--modversion', 'fuse3'])}, fuse2fs {version(['e2fsck', '-V'])}, "
        f"qemu-img {version(['qemu-img', '--version'])}.")


def version(command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)*", done.stdout + done.stderr)
    return found[0] if found else "?"


if __name__ == "__main__":
    main()
