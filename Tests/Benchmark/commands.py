"""Commands on an ext4 image without a mount: against the same commands on the kernel's mount, and against debugfs."""

import functools
import os
import shutil
import subprocess
import tempfile

from image import BIG_FILE, BIG_SIZE, TREE, TREE_FILES, make_image
from measurements import timed
from servers import Kernel, Mounted, Vitrine
from suite import Row, Suite

SPARSE_SIZE = 1 << 40


def make_sparse_image(folder):
    """An image with one file of 1 TB in which 1 MB is stored, here and there."""
    path = os.path.join(folder, "sparse.ext4")
    if os.path.exists(path):
        return path
    unfinished = path + ".unfinished"
    with tempfile.TemporaryDirectory(dir=folder) as source:
        with open(os.path.join(source, "sparse.bin"), "wb") as file:
            file.truncate(SPARSE_SIZE)
            for piece in range(16):
                file.seek(piece * (SPARSE_SIZE // 16))
                file.write(os.urandom(1 << 16))
        with open(unfinished, "wb") as image:
            image.truncate(256 << 20)
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-d", source, unfinished], check=True, env=environment)
    os.rename(unfinished, path)
    return path


class Commands(Mounted):
    """vitrine's own commands: nothing is mounted."""

    def mount(self):
        pass

    def unmount(self):
        pass

    def copy(self, target):
        return [Vitrine.program, "cp", "-a", "--quiet", f"{self.image}:/{TREE}", target]

    def archive(self):
        return [Vitrine.program, "tar", self.image, f"/{TREE}"]

    def read(self):
        return [Vitrine.program, "cat", self.image, f"/{BIG_FILE}"]

    def list(self):
        return [Vitrine.program, "ls", "-R", self.image]


class KernelCommands(Kernel):
    """The usual commands on the kernel's mount."""

    def copy(self, target):
        return ["cp", "-a", f"{self.point}/{TREE}", target]

    def archive(self):
        return ["tar", "--create", "--file=-", f"--directory={self.point}", TREE]

    def read(self):
        # Of the image itself: what a pipe takes, without any filesystem.
        return ["head", "--bytes", str(BIG_SIZE), self.image]

    def list(self):
        return ["find", self.point]


class Debugfs(Commands):
    def copy(self, target):
        return ["debugfs", "-R", f"rdump /{TREE} {target}", self.image]


def to_pipe(command):
    """Seconds that a command takes whose output goes through a pipe."""
    return timed("sh", "-c", '"$@" | cat >/dev/null', "sh", *command, stderr=subprocess.DEVNULL)


class CommandSuite(Suite):
    others = ("kernel", "debugfs")

    def __init__(self, data, *arguments):
        super().__init__(*arguments)
        self.image = os.path.join(data, "bench.ext4")
        make_image(self.image)
        self.sparse = make_sparse_image(data)
        # In memory: how fast a disk takes what is written has nothing to do with who writes.
        self.targets = "/dev/shm/vitrine-bench"

    def title(self):
        return (
            f"The ext4 image above, without a mount: {TREE_FILES:,} files copied and archived, a file of "
            f"{BIG_SIZE / 1e9:.2f} GB written to a pipe, all names listed; copies go to memory; `cp -a`, `tar` and `find` on the kernel's "
            f"mount, and `cat` of the image itself; medians of {self.runs} runs that took turns.")

    def run(self):
        def way(kind):
            return functools.partial(kind, self.image, self.point)

        both = {"kernel": way(KernelCommands), "vitrine": way(Commands)}
        self.measure("copy", {**both, "debugfs": way(Debugfs)}, self.copy)
        self.measure("archive", both, lambda mounted: {"s": to_pipe(mounted.archive())})
        self.measure("cat", both, lambda mounted: {"GB/s": BIG_SIZE / 1e9 / to_pipe(mounted.read())})
        self.measure("list", both, lambda mounted: {"s": to_pipe(mounted.list())})
        self.measure("sparse", {"vitrine": functools.partial(Commands, self.sparse, self.point)}, self.copy_sparse)

    def copy(self, mounted):
        shutil.rmtree(self.targets, ignore_errors=True)
        os.makedirs(self.targets)
        try:
            return {"s": timed(*mounted.copy(self.targets), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)}
        finally:
            shutil.rmtree(self.targets)

    def copy_sparse(self, mounted):
        target = self.targets + ".bin"
        try:
            return {"s": timed(Vitrine.program, "cp", "--quiet", f"{mounted.image}:/sparse.bin", target)}
        finally:
            os.remove(target)

    def rows(self):
        return [
            Row("`cp -a` of the tree", "copy", "s", "kernel", at_most=1.2),
            Row("— against `rdump`", "copy", "s", "debugfs", at_most=0.2),
            Row("`tar` of the tree to a pipe", "archive", "s", "kernel", at_most=1.2),
            Row("`cat` of a large file to a pipe", "cat", "GB/s", "kernel", at_least=0.9),
            Row("`ls -R`, against `find`", "list", "s", "kernel", at_most=1.5),
            Row("`cp` of 1 TB with 1 MB in it", "sparse", "s", None, at_most=1),
        ]
