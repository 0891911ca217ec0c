"""Tokens of array literals: brackets, numbers, names and their surroundings."""

from __future__ import annotations

import re

CLOSES = {"[": "]", "(": ")", "{": "}"}
_ARRAY_CALLS = frozenset({
    "array", "asarray", "ascontiguousarray", "tensor", "as_tensor", "Tensor", "FloatTensor",
    "DoubleTensor", "HalfTensor", "Parameter", "constant", "list", "tuple", "Array",
})  # fmt: skip
_SCALAR_CALLS = frozenset({
    "float", "double", "half", "single", "float16", "float32", "float64", "bfloat16", "int",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})  # fmt: skip
CALLS = _ARRAY_CALLS | _SCALAR_CALLS
# No group is repeated possessively: Python before 3.11.5 continues after a failed group.
TOKEN = re.compile(
    r"""(?P<cell>(?:[+-]?1\.\#[A-Za-z]{3,4}0*|[+-]?[nN][aA][nN]\(\w{0,40}\)|[nN]/[aA]|<NA>|--
        |\#(?:N/?A|NV|N/[DV]|[A-Z][A-Z0-9/]{0,20}[!?]))(?=[\s,;\])}]|$))
    |(?P<blank>(?:\s++|//[^\n]*+|/\*.*?\*/
        |\#(?!(?:N/?A|NV|N/[DV]|[A-Z][A-Z0-9/]{0,20}[!?])(?=[\s,;\])}]|$))[^\n]*+){1,999})
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*(?:[pP][+-]?\d+)?
        |(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eEdDqQ][+-]?\d+)?)[fFlLuU]*(?![\w.]))
    |(?P<word>[+-]?[A-Za-z_][\w.]*)
    |(?P<string>'[^'\n]*'|"[^"\n]*")
    |(?P<open>[\[({])|(?P<close>[\])}])|(?P<comma>,)
    |(?P<gap>\.\.\.|…)
    |(?P<end>;)
    |(?P<other>[\w.]+|.)""",
    re.VERBOSE | re.DOTALL,
)
# Content of lists of numbers and words only, by bracket.
PLAIN = {
    bracket: re.compile(rf"[-+0-9A-Za-z_.,'\"\s{re.escape(bracket + CLOSES[bracket])}]+")
    for bracket in CLOSES
}
# NumPy 2 prints its scalars as np.float32(…).
SCALAR = re.compile(r"np\.float(?:16|32|64)\(([-+0-9.e]{1,40})\)")
# An array, or a single number that ends the text.
ASSIGNED = re.compile(
    r"\s*[A-Za-z_][\w\s:<>*&,.]{0,200}?"
    r"(?P<dims>(?:\[\s{0,9}\w{0,60}\s{0,9}\]\s{0,9}){0,32})[\w\s]{0,80}=\s*"
    r"(?=[\[({]|[A-Za-z_][\w.]*\s*\(|[-+\w.]{1,60}\s{0,9};\s*\Z)"
)
CALLED = re.compile(r"\s*([A-Za-z_][\w.]{0,80})\s*\(")
CONTAINING = re.compile(r"\s*(?:Parameter containing|Out\[\d{1,9}\]):")
KEYWORD = re.compile(
    r"""\s*,\s*(?:(?P<name>[A-Za-z_]\w*)\s*=\s*)?
    (?P<value>'[^'\n]*'|"[^"\n]*"|<[^<>\n]*>|\([^()]*\)|[A-Za-z_][\w.]*)""",
    re.VERBOSE,
)
METHOD = re.compile(r"\s*\.\s*(?P<name>[a-z_]\w*)\s*\((?P<arguments>\(?[^()]{0,500}\)?)\)")


def dimensions(text: str) -> tuple[int, ...] | None:
    """Return the lengths in a C declaration; None unless all are numbers."""
    parts = re.findall(r"\[\s*(\w*)\s*\]", text)
    whole = all(part.isascii() and part.isdigit() for part in parts)
    return tuple(map(int, parts)) if parts and whole else None
