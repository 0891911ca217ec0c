"""The words of array literals: brackets, numbers, names, and what may stand around an array."""

from __future__ import annotations

import math
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
_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "huge_val": math.inf,
          "nanf": math.nan, "inff": math.inf, "infinityf": math.inf}  # fmt: skip
TOKEN = re.compile(
    r"""(?P<blank>(?:\s|//[^\n]*|\#[^\n]*|/\*.*?\*/)++)
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*(?:[pP][+-]?\d+)?
        |(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)[fFlLuU]*(?![\w.]))
    |(?P<word>[+-]?[A-Za-z_][\w.]*)
    |(?P<string>'[^'\n]*'|"[^"\n]*")
    |(?P<open>[\[({])|(?P<close>[\])}])|(?P<comma>,)
    |(?P<gap>\.\.\.|…)
    |(?P<end>;)
    |(?P<other>[\w.]+|.)""",
    re.VERBOSE | re.DOTALL,
)
# A run of plain numbers and commas inside the innermost brackets is nearly all of most texts.
PLAIN = re.compile(r"[-+0-9.eE,\sfF]+")
# As a list of NumPy's own numbers is printed.
SCALAR = re.compile(r"np\.float(?:16|32|64)\(([-+0-9.e]{1,40})\)")
# An array, or one number up to the end of the text.
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
    """Return the lengths that a C declaration gives, where it gives them all as numbers."""
    parts = re.findall(r"\[\s*(\w*)\s*\]", text)
    whole = all(part.isascii() and part.isdigit() for part in parts)
    return tuple(map(int, parts)) if parts and whole else None


def number(text: str) -> float | None:
    """Return a number in Python or C notation; None for something else."""
    try:
        if text.lstrip("+-")[:2].lower() == "0x":
            # In a hexadecimal integer f is a digit; after an exponent it is a suffix.
            plain = text.rstrip("fFlL") if "p" in text.lower() else text.rstrip("lLuU")
            return float.fromhex(plain)
        return float(text.rstrip("fFlLuU"))
    except OverflowError:
        return math.inf
    except ValueError:
        return None


def word(text: str) -> float | None:
    """Return what a word such as ``np.nan`` or ``-INFINITY`` stands for; None for others."""
    sign = -1.0 if text[:1] == "-" else 1.0
    value = _WORDS.get(text.lstrip("+-").rpartition(".")[2].lower())
    return None if value is None else sign * value
