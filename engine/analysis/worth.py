"""Which schemes are compared with one another where their bits per value differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BIT = 20 * math.log10(2)
"""What a bit more of a code brings, in dB: half the step."""


@dataclass(frozen=True)
class Offer:
    """What a scheme costs, and what it keeps."""

    bits: float
    """Bits per value."""
    code_bits: int
    """Bits of a code; what ``bits`` has beyond them are parameters."""
    sqnr: float
    """In dB; NaN if there is none."""

    @property
    def worth(self) -> float:
        """SQNR in dB less what so many bits bring by themselves."""
        return self.sqnr - BIT * self.bits


def narrowest(offers: Sequence[Offer]) -> list[int]:
    """Return the places of the schemes that are compared as the cheapest.

    Their codes are as wide as those of the scheme of fewest bits. The scheme with the highest
    worth leads: what more scales cost counts as repaid once they bring more than that many more
    bits of a code would. Any that keeps more than the leader costs too much, and is left out.
    """
    least = min((one.bits for one in offers), default=math.nan)
    widths = {one.code_bits for one in offers if one.bits == least}
    found = [place for place, one in enumerate(offers) if one.code_bits in widths]
    judged = [place for place in found if not math.isnan(offers[place].sqnr)]
    if not judged:
        return found
    leader = max(judged, key=lambda place: (offers[place].worth, -offers[place].bits))
    return [place for place in found if not offers[place].sqnr > offers[leader].sqnr]


def rivals(offers: Sequence[Offer], place: int) -> list[int]:
    """Return the places of the schemes with which one is compared, itself included.

    They take no more bits, or repay what they take more: their codes are as wide, or both stand
    among the cheapest, and their worth is no lower.
    """
    cheap, one = narrowest(offers), offers[place]

    def fair(other: int) -> bool:
        its = offers[other]
        alike = its.code_bits == one.code_bits or (other in cheap and place in cheap)
        return its.bits <= one.bits or (alike and its.worth >= one.worth)

    return [other for other in range(len(offers)) if fair(other)]
