"""Whole disks in images: vitrine against qemu-img and qemu-storage-daemon, and against a raw image."""

import functools
import os

import measurements
from disks import DISK_SIZE, make_disks
from servers import DiskReader, QemuImg, QemuStorageDaemon, VitrineDisk
from suite import Row, Suite, number, verdict


class DiskImageSuite(Suite):
    others = ("raw image", "qemu-img", "qemu-storage-daemon")

    def __init__(self, data, *arguments):
        super().__init__(*arguments)
        self.disks = make_disks(data)

    def title(self):
        return (
            f"A disk of {DISK_SIZE / 1e9:.2f} GB, read from start to end: vitrine's `disk.raw`, of a raw image and of "
            "others; `qemu-img convert -m 16` to a target that keeps nothing; the FUSE export of qemu-storage-daemon. "
            f"The images' pages are cached; medians of {self.runs} runs that took turns.")

    def run(self):
        for kind in "qcow2", "vmdk", "vhdx", "vdi", "zlib", "zstd", "stream":
            image, format_ = self.disks[kind]

            def way(server, image=image, format_=format_):
                return functools.partial(server, image, self.point, format_)

            ways = {"vitrine": way(VitrineDisk), "qemu-img": way(QemuImg)}
            if kind in ("qcow2", "zlib", "zstd"):
                ways["qemu-storage-daemon"] = way(QemuStorageDaemon)
            if kind == "qcow2":
                ways["in one process"] = way(DiskReader)
            if kind in ("qcow2", "vmdk", "vhdx", "vdi"):
                ways["raw image"] = functools.partial(VitrineDisk, self.disks["raw"][0], self.point, "raw")
            self.measure(f"disk {kind}", ways, lambda mounted: mounted.read_disk())
        self.measure(
            "random 4 KiB of qcow2",
            {
                "vitrine": functools.partial(VitrineDisk, self.disks["qcow2"][0], self.point, "qcow2"),
                "raw image": functools.partial(VitrineDisk, self.disks["raw"][0], self.point, "raw"),
                "qemu-storage-daemon": functools.partial(
                    QemuStorageDaemon, self.disks["qcow2"][0], self.point, "qcow2"),
            },
            lambda mounted: measurements.random_disk_reads(mounted, 10_000 if self.quick else 40_000))
        self.measure(
            "16 TiB", {"16 TiB": functools.partial(VitrineDisk, self.disks["huge"][0], self.point, "qcow2")},
            lambda mounted: mounted.first_bytes())

    def rows(self):
        def read(title, name, **targets):
            return Row(title, f"disk {name}", "GB/s", **targets)

        return [
            read("qcow2, against a raw image", "qcow2", against="raw image", at_least=0.8),
            read("— against qemu-img", "qcow2", against="qemu-img", at_least=1),
            read("— in one process, as qemu-img", "qcow2", against="qemu-img", at_least=1, way="in one process"),
            read("— against qemu-storage-daemon", "qcow2", against="qemu-storage-daemon", at_least=1),
            read("VMDK, sparse", "vmdk", against="qemu-img"),
            read("VHDX, dynamic", "vhdx", against="qemu-img"),
            read("VDI, dynamic", "vdi", against="qemu-img"),
            read("qcow2, compressed by zlib", "zlib", against="qemu-img", at_least=1),
            read("qcow2, compressed by zstd", "zstd", against="qemu-img", at_least=1),
            read("VMDK, streamOptimized", "stream", against="qemu-img", at_least=1),
            Row("random 4 KiB of qcow2, cold", "random 4 KiB of qcow2", "reads/s", "raw image"),
            Row("16 TiB qcow2, to the first byte", "16 TiB", "ms", None, at_most=50, way="16 TiB"),
        ]

    def last_lines(self):
        lines = []
        for title, ways, limit in (
            ("peak memory, 16 TiB qcow2", ("16 TiB",), 40), ("peak memory, all others", ("vitrine",), None)
        ):
            peak = max(self.peaks[way] for way in ways) / (1 << 20)
            if peak:
                target = f"≤ {limit} | {verdict(peak, at_most=limit)}" if limit else " | "
                theirs = number(self.peaks["qemu-storage-daemon"] / (1 << 20))
                lines.append(f"| {title} | MiB | | | {theirs if limit is None else ''} | {number(peak)} | | {target} |")
        return lines
