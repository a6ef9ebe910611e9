"""Compressed filesystems: vitrine against the kernel's drivers over a loop device, and against squashfuse_ll."""

import functools
import os
import random
import shutil
import subprocess

import measurements
from disks import words, write_words
from image import BIG_FILE, BIG_SIZE, TREE, TREE_FILES, write_tree
from servers import Kernel, SquashfuseLL, Vitrine
from suite import Row, Suite, number, verdict

# What is compared: name, filesystem, and how the image is made of a folder.
KINDS = {
    "zstd squashfs": (
        "squashfs", ["mksquashfs", "SOURCE", "IMAGE", "-comp", "zstd", "-Xcompression-level", "8", "-quiet"]),
    "gzip squashfs": ("squashfs", ["mksquashfs", "SOURCE", "IMAGE", "-comp", "gzip", "-quiet"]),
    "lz4 erofs": ("erofs", ["mkfs.erofs", "--quiet", "-zlz4", "-C65536", "IMAGE", "SOURCE"]),
}


def make_images(folder):
    """The path of each image by its name; makes those that are not there yet."""
    paths = {name: os.path.join(folder, name.replace(" ", ".")) for name in KINDS}
    if all(os.path.exists(path) for path in paths.values()):
        return paths
    print("making the compressed images …", flush=True)
    source = os.path.join(folder, "source")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(source)
    try:
        write_words(os.path.join(source, BIG_FILE), BIG_SIZE)
        # Text for three quarters; the rest shrinks as little as programs, pictures and archives do.
        dice = random.Random(4)
        text = words(dice)
        content = b"".join(
            dice.randbytes(1 << 18) if piece % 4 == 3 else text[piece << 18:(piece + 1) << 18] for piece in range(32))
        write_tree(os.path.join(source, TREE), content, 9.6)
        for name, (_, command) in KINDS.items():
            unfinished = paths[name] + ".unfinished"
            filled = [{"SOURCE": source, "IMAGE": unfinished}.get(part, part) for part in command]
            subprocess.run(filled, check=True, stdout=subprocess.DEVNULL)
            os.rename(unfinished, paths[name])
    finally:
        shutil.rmtree(source, ignore_errors=True)
    return paths


class CompressedSuite(Suite):
    others = ("kernel", "squashfuse_ll")

    def __init__(self, data, *arguments):
        super().__init__(*arguments)
        self.images = make_images(data)

    def title(self):
        return (
            f"A tree of {TREE_FILES:,} files (about 1 GB) and a file of {BIG_SIZE / 1e9:.2f} GB, packed by each codec; "
            "the images' pages are cached; a fresh mount each time; "
            f"medians of {self.runs} runs that took turns, run by root.")

    def run(self):
        for name, (type_, _) in KINDS.items():
            image = self.images[name]
            ways = {
                "kernel": functools.partial(Kernel, image, self.point, type_),
                "vitrine": functools.partial(Vitrine, image, self.point),
            }
            if type_ == "squashfs":
                ways["squashfuse_ll"] = functools.partial(SquashfuseLL, image, self.point)
            self.measure(f"{name}: tar", ways, measurements.archive)
            self.measure(f"{name}: walk", ways, measurements.walks)
            self.measure(f"{name}: sequential", ways, measurements.sequential)
            self.measure(
                f"{name}: random", ways,
                lambda mounted: measurements.random_reads(mounted, 1, False, 2_000 if self.quick else 8_000))

    def rows(self):
        rows = []
        for name, (type_, _) in KINDS.items():
            squashfs = type_ == "squashfs"
            rows.append(Row(f"{name}: tar to a pipe", f"{name}: tar", "s", "kernel", at_most=1))
            if squashfs:
                rows.append(Row("— against squashfuse_ll", f"{name}: tar", "s", "squashfuse_ll", at_most=0.5))
            rows += [
                Row("— sequential read", f"{name}: sequential", "GB/s", "kernel", at_least=1.3),
                Row("— walk, first", f"{name}: walk", "first s", "kernel", at_most=1.5),
                Row("— walk, second", f"{name}: walk", "second s", "kernel", at_most=1.2),
                Row(
                    "— random 4 KiB", f"{name}: random", "reads/s", "squashfuse_ll" if squashfs else "kernel",
                    at_least=1 if squashfs else None),
            ]
        return rows

    def last_lines(self):
        if not self.peak():
            return []
        mebibytes = self.peak() / (1 << 20)
        return [
            f"| peak memory of the server | MiB | | {number(self.peaks['squashfuse_ll'] / (1 << 20))} | "
            f"{number(mebibytes)} | | ≤ 104 | {verdict(mebibytes, at_most=104)} |"]
