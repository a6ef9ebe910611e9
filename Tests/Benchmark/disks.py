"""Makes the disk images that the benchmark reads: one disk in several formats, from a fixed seed."""

import os
import random
import subprocess

DISK_SIZE = 1 << 30


def make_disks(folder):
    """(path, qemu-img's name of the format) of each image; makes those that are not there yet."""
    raw = os.path.join(folder, "disk.raw")
    if not os.path.exists(raw):
        print("making the disks …", flush=True)
        _write(raw)
    disks = {"raw": (raw, "raw")}
    for kind, format_, options in (
        ("qcow2", "qcow2", []),
        ("vmdk", "vmdk", ["-o", "subformat=monolithicSparse"]),
        ("vhdx", "vhdx", ["-o", "subformat=dynamic"]),
        ("vdi", "vdi", []),
        ("zlib", "qcow2", ["-c", "-o", "compression_type=zlib"]),
        ("zstd", "qcow2", ["-c", "-o", "compression_type=zstd"]),
        ("stream", "vmdk", ["-o", "subformat=streamOptimized"]),
    ):
        path = os.path.join(folder, f"disk-{kind}.{format_}")
        if not os.path.exists(path):
            print(f"making the disk as {kind} …", flush=True)
            unfinished = path + ".unfinished"
            subprocess.run(
                ["qemu-img", "convert", "-f", "raw", "-O", format_, *options, raw, unfinished], check=True)
            os.rename(unfinished, path)
        disks[kind] = (path, format_)
    huge = os.path.join(folder, "huge.qcow2")
    if not os.path.exists(huge):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", huge, "16T"], check=True)
    disks["huge"] = (huge, "qcow2")
    return disks


def _write(path):
    unfinished = path + ".unfinished"
    write_words(unfinished, DISK_SIZE)
    os.rename(unfinished, path)


def words(dice):
    """Text of words, of which each block shrinks to about a third."""
    known = ["".join(dice.choice("etaoinshrdlu") for _ in range(dice.randint(2, 9))) for _ in range(5000)]
    return " ".join(dice.choices(known, k=1 << 21)).encode()


def write_words(path, size):
    """A file of words: no block is zero, and none is like another."""
    dice = random.Random(3)
    text = words(dice)
    chunk = 1 << 20
    with open(path, "wb") as file:
        for _ in range(size // chunk):
            start = dice.randrange(len(text) - chunk)
            file.write(text[start:start + chunk])
