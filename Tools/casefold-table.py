#!/usr/bin/env python3
"""Writes Sources/FileSystems/Ext4/Ext4+CaseFoldingTable.swift: how Unicode 12.1.0 decomposes and folds case.

    Tools/casefold-table.py > Sources/FileSystems/Ext4/Ext4+CaseFoldingTable.swift

For each code point that changes, the table holds what it becomes in the form that Linux calls NFDICF: canonical
decomposition, full case folding (statuses C and F of CaseFolding.txt), and no default ignorable code points. What
Unicode says of a code point once assigned does not change later, so that the data of a newer version do, less what was
assigned after 12.1: Python's for decomposition, folding and combining classes, Perl's for the age of a code point.

The numbers are written in base 32: of a digit's six bits, five count, lowest digit first, and the sixth says that
another digit follows. Signed numbers have their sign in the lowest bit.

    mappings  per run: gap to its first code point from the last of the run before; kind (bits 0-1: length of the
              sequence - 1; bit 2: steps of two; from bit 3: code points in the run - 1); first scalar of the sequence,
              signed, from the one of the run before (its last); the others as indices into `tails`. Along a run the
              first scalar grows as the code point does.
    tails     scalars, as signed differences
    classes   per run of code points with the same canonical combining class, not 0: gap; length - 1; class
"""

import subprocess
import sys
import unicodedata
from collections import Counter

VERSION = (12, 1)
HANGUL = range(0xAC00, 0xD7A4)
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"


def perl_inversion_list(script):
    return [line.split() for line in subprocess.check_output(
        ["perl", "-MUnicode::UCD=prop_invmap,prop_invlist", "-e", script], text=True).splitlines()]


def assigned_code_points():
    rows = perl_inversion_list(
        'my ($from, $age) = prop_invmap("Age"); print "$from->[$_] $age->[$_]\\n" for 0 .. $#$from')
    result = set()
    for (start, age), (end, _) in zip(rows, rows[1:] + [["1114112", ""]]):
        if age[0].isdigit() and tuple(map(int, age.split("."))) <= VERSION:
            result.update(range(int(start), min(int(end), 0x110000)))
    return result


def default_ignorable_ranges():
    edges = [int(row[0]) for row in perl_inversion_list('print "$_\\n" for prop_invlist("Default_Ignorable_Code_Point")')]
    # Ignorable since 14.0, when it was assigned; before, that was just a gap among ignorable ones.
    edges = [edge if edge != 0x1810 else 0x180F for edge in edges]
    return list(zip(edges[::2], edges[1::2]))


ASSIGNED = assigned_code_points()
IGNORABLE_RANGES = default_ignorable_ranges()
IGNORABLE = {c for start, end in IGNORABLE_RANGES for c in range(start, end)}
if not {0x180E, 0xFEFF, 0x10FFFD} <= ASSIGNED | IGNORABLE or 0x1E900 not in ASSIGNED:
    sys.exit("the age of code points could not be read")


def folded(c):
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", chr(c)).casefold())
    return [ord(scalar) for scalar in text if ord(scalar) not in IGNORABLE]


def number(value):
    digits = ""
    while value >= 32:
        digits += DIGITS[32 | value & 31]
        value >>= 5
    return digits + DIGITS[value]


def signed(value):
    return number(value << 1 if value >= 0 else -value << 1 | 1)


def runs_of_mappings(mappings):
    """(first code point, count, stride, sequence), greedily."""
    keys = sorted(mappings)
    index = 0
    while index < len(keys):
        key = keys[index]
        best = (1, 1)
        for stride in (1, 2):
            count = 1
            while mappings.get(key + count * stride) == [mappings[key][0] + count * stride] + mappings[key][1:] and (
                    stride == 1 or key + count * stride - 1 not in mappings):
                count += 1
            best = max(best, (count, -stride))
        count, stride = best[0], abs(best[1])
        yield key, count, stride, mappings[key]
        index += count


def encoded_mappings():
    mappings = {c: folded(c) for c in sorted(ASSIGNED) if not 0xD800 <= c < 0xE000 and c not in HANGUL and c not in IGNORABLE}
    mappings = {c: sequence for c, sequence in mappings.items() if sequence != [c]}
    frequency = Counter(scalar for _, _, _, sequence in runs_of_mappings(mappings) for scalar in sequence[1:])
    common = sorted(scalar for scalar, _ in frequency.most_common(32))
    tails = common + sorted(set(frequency) - set(common))
    text, last_key, last_first = "", 0, 0
    for key, count, stride, sequence in runs_of_mappings(mappings):
        assert 1 <= len(sequence) <= 4
        text += number(key - last_key) + number((count - 1) << 3 | (stride - 1) << 2 | len(sequence) - 1)
        text += signed(sequence[0] - last_first) + "".join(number(tails.index(scalar)) for scalar in sequence[1:])
        last_key, last_first = key + (count - 1) * stride, sequence[0] + (count - 1) * stride
    return text, "".join(signed(scalar - before) for before, scalar in zip([0] + tails, tails))


def encoded_classes():
    classes = {c: unicodedata.combining(chr(c)) for c in ASSIGNED}
    keys = sorted(c for c in classes if classes[c] != 0)
    text, last, index = "", 0, 0
    while index < len(keys):
        start, count = keys[index], 1
        while classes.get(start + count) == classes[start]:
            count += 1
        text += number(start - last) + number(count - 1) + number(classes[start])
        last = start + count - 1
        index += count
    return text


def literal(name, comment, text):
    lines = [text[start:start + 114] for start in range(0, len(text), 114)]
    body = "\\\n".join("    " + line for line in lines)
    return f'  /// {comment}\n  static let {name}: StaticString = """\n{body}\n    """\n'


mappings, tails = encoded_mappings()
ignorable = "".join(f"    0x{start:04X}...0x{end - 1:04X},\n" for start, end in IGNORABLE_RANGES)
print(f"""\
/// How Unicode 12.1.0 folds names. Generated by Tools/casefold-table.py, which says how it is encoded: change that.
enum CaseFoldingTable {{
  /// The code points that are left out.
  static let ignorable: [ClosedRange<UInt32>] = [
{ignorable}  ]

{literal("tails", "The scalars that can follow the first one of a sequence.", tails)}
{literal("classes", "Canonical combining classes.", encoded_classes())}
{literal("mappings", "What code points become.", mappings)}}}""")
