"""Damaged forms of a sound file, by family and number, the same for the same seed."""

from __future__ import annotations

import io as stdio
import random
import struct
import warnings
import zipfile
from collections.abc import Callable

MASKS = (0xFF, 0x01, 0x80)
_WHOLE = (0, 1, -1, 127, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**64 - 1)
NUMBERS = tuple(
    dict.fromkeys(
        struct.pack(f"{order}{code}", number & (2 ** (8 * width) - 1))
        for number in _WHOLE
        for code, width in (("Q", 8), ("I", 4), ("H", 2))
        for order in "<>"
    )
)
"""Lengths and offsets that lie: put in place of 2, 4 or 8 bytes."""
DIGITS = (b"0", b"-1", b"99999999999999999999", b"1e999", b"NaN", b"null", b"[]", b"{}", b'""')


def cut(seed: bytes, i: int) -> bytes:
    """The first bytes of it."""
    return seed[: i % len(seed)]


def flip(seed: bytes, i: int) -> bytes:
    """One byte changed; every byte in turn, with each mask in turn."""
    mask, position = divmod(i, len(seed))
    changed = bytearray(seed)
    changed[position] ^= MASKS[mask % len(MASKS)]
    return bytes(changed)


def number(seed: bytes, i: int) -> bytes:
    """A number that lies in place of some bytes; every place in turn, for each number."""
    which, position = divmod(i, len(seed))
    value = NUMBERS[which % len(NUMBERS)]
    return seed[:position] + value + seed[position + len(value) :]


def havoc(seed: bytes, i: int) -> bytes:
    """Many changes at once; where it is a zip file, often within its members."""
    dice = random.Random(i)
    if seed[:2] == b"PK" and dice.random() < 0.7:
        return _within(seed, dice)
    return _changed(seed, dice)


FAMILIES: dict[str, Callable[[bytes, int], bytes]] = {
    "cut": cut,
    "flip": flip,
    "number": number,
    "havoc": havoc,
}


def _changed(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 2, 3, 5, 8))):
        at = dice.randrange(len(changed) + 1)
        length = dice.choice((1, 1, 2, 4, 8, 32))
        match dice.randrange(9):
            case 0:
                changed[at : at + length] = dice.randbytes(length)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = dice.randbytes(length)
            case 3:
                value = dice.choice(NUMBERS)
                changed[at : at + len(value)] = value
            case 4:
                start = dice.randrange(len(changed) + 1)
                changed[at:at] = changed[start : start + length * 4]
            case 5:
                start = dice.randrange(len(changed) + 1)
                changed[at : at + length] = changed[start : start + length]
            case 6:
                changed[at : at + length] = dice.choice(DIGITS)
            case 7 if changed:
                at = min(at, len(changed) - 1)
                changed[at] = (changed[at] + dice.choice((1, -1, 16, -16))) % 256
            case _ if changed:
                at = min(at, len(changed) - 1)
                changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _within(seed: bytes, dice: random.Random) -> bytes:
    """The zip file again, sound as such, with changes in one member, its name or its place."""
    out = stdio.BytesIO()
    with zipfile.ZipFile(stdio.BytesIO(seed)) as old, zipfile.ZipFile(out, "w") as new:
        members = [(member.filename, old.read(member)) for member in old.infolist()]
        chosen = dice.randrange(len(members))
        name, data = members[chosen]
        match dice.randrange(8):
            case 0:
                name = dice.choice(("../../etc/passwd", "/abs", "a" * 70_000, "", "ä\0")) + name
            case 1:
                members.append(members[chosen])
            case 2:
                del members[chosen]
                chosen = -1
            case _:
                data = _changed(data, dice)
        if chosen >= 0:
            members[chosen] = name[:65_000], data
        for name, data in members:
            member = zipfile.ZipInfo("x")
            member.filename = name
            member.compress_type = dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of two members of one name
                new.writestr(member, data)
    return out.getvalue()
