"""What is measured. Each function takes a fresh mount and returns a figure, or several by name."""

import json
import os
import subprocess
import time

from image import BIG_FILE, BIG_SIZE, TREE


def timed(*command, **keywords):
    """Seconds that a command takes, which must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **keywords)
    return time.perf_counter() - start


def sequential(mounted):
    """Throughput of one reader from start to end, GB/s, and the server's CPU seconds for each GB."""
    before = mounted.cpu_seconds()
    seconds = timed(
        "dd", f"if={mounted.point}/{BIG_FILE}", "of=/dev/null", "bs=1M", "status=none")
    figures = {"GB/s": BIG_SIZE / 1e9 / seconds}
    if before is not None:
        figures["CPU s/GB"] = (mounted.cpu_seconds() - before) / (BIG_SIZE / 1e9)
    return figures


def random_reads(mounted, jobs, warm, amount):
    """4 KiB reads a second at random places. Cold: `amount` reads, few of them of a place that was read before.
    Warm: for `amount` seconds, of a region that was read before through the same mount."""
    region = 256 << 20
    path = f"{mounted.point}/{BIG_FILE}"
    if warm:
        subprocess.run(["dd", f"if={path}", "of=/dev/null", "bs=1M", f"count={region >> 20}", "status=none"], check=True)
    extent = (
        [f"--size={region}", "--time_based", f"--runtime={int(amount * 1000)}ms"] if warm
        else [f"--size={BIG_SIZE}", f"--io_size={amount * 4096}"])
    # invalidate=0: fio would otherwise drop what is cached before it starts.
    done = subprocess.run(
        ["fio", "--name=random", f"--filename={path}", "--rw=randread", "--bs=4k", "--ioengine=psync",
         f"--numjobs={jobs}", "--thread", "--group_reporting", "--invalidate=0", "--readonly", "--randseed=7",
         *extent, "--output-format=json"],
        check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {"reads/s": json.loads(done.stdout)["jobs"][0]["read"]["iops"]}


def walks(mounted):
    """Seconds to see each file's size and mode, the first time and again."""
    walk = ["find", f"{mounted.point}/{TREE}", "-printf", r"%s %m\n"]
    return {"first s": timed(*walk, stdout=subprocess.DEVNULL), "second s": timed(*walk, stdout=subprocess.DEVNULL)}


def archive(mounted):
    """Seconds to read the tree as tar does. Through a pipe: tar reads no file when it writes to /dev/null itself."""
    return {"s": timed("sh", "-c", 'tar --create --file=- --directory="$0" "$1" | cat >/dev/null', mounted.point, TREE)}


def start(program, image, point):
    """Milliseconds from the start of `vitrine mount` to a file's first byte."""
    begin = time.perf_counter()
    subprocess.run([program, "mount", image, point], check=True, stdin=subprocess.DEVNULL)
    with open(os.path.join(point, BIG_FILE), "rb", buffering=0) as file:
        file.read(1)
    return {"ms": (time.perf_counter() - begin) * 1000}


def random_disk_reads(mounted, amount):
    """4 KiB reads a second at random places of the whole disk, few of them of a place that was read before."""
    size = os.stat(mounted.path).st_size
    done = subprocess.run(
        ["fio", "--name=random", f"--filename={mounted.path}", "--rw=randread", "--bs=4k", "--ioengine=psync",
         f"--size={size}", f"--io_size={amount * 4096}", "--invalidate=0", "--readonly", "--randseed=7",
         "--output-format=json"],
        check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {"reads/s": json.loads(done.stdout)["jobs"][0]["read"]["iops"]}
