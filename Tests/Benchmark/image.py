"""Makes the image that the benchmark reads: always the same tree, from a fixed seed."""

import os
import random
import shutil
import subprocess

BIG_FILE = "big.bin"
BIG_SIZE = 1 << 30
TREE = "tree"
TREE_FILES = 17_000
IMAGE_SIZE = 2 << 30


def make_image(path):
    """Writes the image to `path`, where there is none yet. Needs no root."""
    if os.path.exists(path):
        return
    source = path + ".source"
    unfinished = path + ".unfinished"
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(source)
    try:
        _write_big_file(os.path.join(source, BIG_FILE))
        write_tree(os.path.join(source, TREE), random.Random(2).randbytes(4 << 20), 8.2)
        with open(unfinished, "wb") as image:
            image.truncate(IMAGE_SIZE)
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        subprocess.run(
            ["mkfs.ext4", "-q", "-b", "4096", "-I", "256", "-N", "40000", "-d", source, "-L", "bench",
             "-U", "5bd6b2ee-35d2-4c1f-9a54-6a3c8a2d0f11",
             "-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,hash_seed=2c4f1d3e-8a5b-4f60-9b7a-1e2d3c4b5a69",
             unfinished],
            check=True, env=environment)
        # Gives large directories the hashed index that the kernel would have given them; 1: "something was changed".
        done = subprocess.run(["e2fsck", "-fyD", unfinished], env=environment, stdout=subprocess.DEVNULL)
        if done.returncode not in (0, 1):
            raise SystemExit("bench: e2fsck finds fault with the new image")
        os.rename(unfinished, path)
    finally:
        shutil.rmtree(source, ignore_errors=True)
        if os.path.exists(unfinished):
            os.remove(unfinished)


def _write_big_file(path):
    # Blocks of zeros would become holes, so the bytes are random; the same ones again and again cost less to make.
    block = random.Random(1).randbytes(1 << 20)
    with open(path, "wb") as file:
        for index in range(BIG_SIZE >> 20):
            file.write(index.to_bytes(8, "little") + block[8:])


def write_tree(root, content, mean):
    """Files as in /usr: most are small, a few are large; some directories hold a thousand; one in twelve is a link.

    Their bytes are pieces of `content`; `mean` is that of the logarithm of their sizes."""
    dice = random.Random(2)
    directories = [root]
    os.makedirs(root)
    while len(directories) < 1500:
        parent = dice.choice(directories)
        if parent.count("/") - root.count("/") >= 7:
            continue
        directory = os.path.join(parent, f"{_word(dice)}-{len(directories)}")
        os.mkdir(directory)
        directories.append(directory)
    # A directory's share of the files: 1 / rank, so that the first hold a thousand and most hold a handful.
    weights = [1 / (rank + 2) for rank in range(len(directories))]
    for number, directory in enumerate(dice.choices(directories, weights, k=TREE_FILES)):
        path = os.path.join(directory, f"{_word(dice)}_{number}.{dice.choice(['so', 'h', 'py', 'gz', 'txt', 'mo'])}")
        if number % 12 == 0:
            os.symlink(f"../{_word(dice)}/{_word(dice)}-{number}", path)
            continue
        size = min(int(dice.lognormvariate(mean, 1.7)), len(content))
        start = dice.randrange(len(content) - size + 1)
        with open(path, "wb") as file:
            file.write(content[start:start + size])
        os.chmod(path, dice.choice([0o644, 0o644, 0o644, 0o755]))


def _word(dice):
    return "".join(dice.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(dice.randint(3, 14)))
