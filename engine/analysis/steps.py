"""Steps of one value: each formula with its numbers, true as printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.analysis.formulas import (
    Functions,
    Number,
    gives,
    number_of,
    parsed,
    symbolic,
    text_of,
    value_of,
    worked,
)
from quantoscope.engine.analysis.value_trace import Trace, trace
from quantoscope.engine.numerics.arithmetic import Precision, ZeroPoint, uniform_at
from quantoscope.engine.numerics.arrays import FloatArray, as_working
from quantoscope.engine.quantizers import QUANTIZERS, Origin, QParams, Stage, unrounded_key
from quantoscope.engine.schemes.scheme import Scheme
from quantoscope.engine.text.number_text import MOST_DIGITS, digits_within, exact

OPERATIONS = ("+", "−", "·", "/", "fma")
OF_DATA = ("R", "Rmin", "Rmax", "maxR", "peakR", "m", "real", "reconstructed", "T")
"""Quantities in the unit of R, possibly with an offset."""
OF_CODES = ("scaled", "shifted")
"""Quantities in steps, possibly with an offset."""


@dataclass(frozen=True)
class Line:
    """A step: ``symbol = formula = numbers = result``, with a remark."""

    key: str
    """Key of the stage, or symbol of a parameter."""
    symbol: str
    formula: str
    """Both in symbols; a quantity without a formula is described in words."""
    numbers: str
    """The formula with numbers; empty if there is nothing to compute."""
    result: str
    """Its value, to the last printed digit."""
    remark: str = ""
    """Why it differs from the usual formula."""

    def __str__(self) -> str:
        parts = [part for part in (self.symbol, self.formula, self.numbers, self.result) if part]
        return " = ".join(parts) + (f"  ({self.remark})" if self.remark else "")


@dataclass(frozen=True)
class Steps:
    """The steps of one value."""

    parameters: tuple[Line, ...]
    """From the range to S and Z."""
    values: tuple[Line, ...]
    """From R to R′ and the error."""
    trace: Trace
    """The stages of the value in full."""


def steps(x: ArrayLike, scheme: Scheme, qparams: QParams, position: int, digits: int = 6) -> Steps:
    """Return the quantization of the value at a flat position, line by line.

    ``qparams`` are the parameters of the scheme for the whole array ``x``; ``digits`` are the
    significant digits of numbers, more if needed to make a line true.
    """
    array = as_working(x)
    at = trace(array, qparams, [position])
    work = _Work(array, scheme, qparams, at, digits)
    values = work.values()
    return Steps(tuple(work.parameters()), tuple(values), at)


@dataclass
class _Work:
    """Builder of the lines of one value."""

    array: FloatArray
    scheme: Scheme
    qparams: QParams
    at: Trace
    digits: int
    used: dict[str, int] = field(default_factory=dict)
    """Digits of the parameters in the lines of the value."""

    def __post_init__(self) -> None:
        self.p = self.at.qparams.at(0)
        self.quantizer = QUANTIZERS[self.p.mapping]
        self.precision = self.p.dtype.name
        fmt = self.p.format
        with np.errstate(over="ignore", invalid="ignore"):
            self._span = abs(float(self.p.range[1]) - float(self.p.range[0]))
        # Unless Z is far away, only clipped values are far from the codes.
        codes = float(fmt.qmax) - float(fmt.qmin)
        self._codes = codes if abs(float(self.p.zero_point)) > 2 * codes else 0.0
        self.functions: Functions = {
            name: _nearest_in(book) for name, book in fmt.round_functions.items()
        }

    # Construction of a line

    def _line(
        self,
        key: str,
        symbol: str,
        formula: str,
        values: Mapping[str, Any],
        result: float,
        *,
        names: Mapping[str, str] | None = None,
        stages: tuple[Stage, ...] = (),
        precisions: Mapping[str, str] | None = None,
        shown: Mapping[str, str] | None = None,
        follows: Callable[[str], bool] | None = None,
        remark: str = "",
        otherwise: str = "",
    ) -> Line:
        """Return a true line; without numbers, but with a remark, if there is none."""
        node = parsed(formula)
        precisions = dict.fromkeys(OPERATIONS, self.precision) if precisions is None else precisions
        least = {name: self._least(name, values[name]) for name in node.names()}
        least[""] = self._least(key, result)
        arguments = (node, values, result, self.digits, precisions, self.functions, shown, least)
        found = None if follows is None else worked(*arguments, follows)
        found = worked(*arguments) if found is None else found
        in_symbols = symbolic(formula, stages, names)
        if found is None:
            return Line(
                key, symbol, in_symbols, "", text_of(result, least[""]), remark or otherwise
            )
        for name in node.names():
            self.used[name] = max(self.used.get(name, 0), found.digits)
        return Line(key, symbol, in_symbols, found.numbers, found.result, remark)

    def _least(self, key: str, value: float) -> int:
        """Return the minimum digits of a number: more if all of its kind are far from 0."""
        spans = {**dict.fromkeys(OF_DATA, self._span), **dict.fromkeys(OF_CODES, self._codes)}
        return digits_within(value, spans.get(key, 0.0), self.digits)

    def _data_text(self, value: float) -> str:
        return text_of(value, self._least("R", value))

    # From the range to the parameters

    def parameters(self) -> list[Line]:
        """Return the lines from the range to S and Z."""
        p, a = self.p, self.p.arithmetic
        lines, names, known = self._range()
        formula = self.quantizer.scale_formula(p.format, a)
        if a.range_floor and not self.quantizer.symmetric_range:
            low, high = (p.dtype.type(end) for end in p.range)
            width = float(high - low)
            floor = float(p.dtype.type(a.range_floor))
            if width < floor:
                known["least"] = floor
                formula = formula.replace("({Rmax} − {Rmin})", "max({Rmax} − {Rmin}, {least})")
        precisions = self._scale_precisions()
        if a.pow2:
            formula = f"Pow2↑({formula})"
        before = self.quantizer.scale_before_storage(p)
        options: dict[str, Any] = dict(names=names, precisions=precisions)
        if p.divisor is not None and formula.startswith("float16("):
            # Values are divided by d, and reconstructed with d rounded for storage.
            inner = formula.removeprefix("float16(").removesuffix(")")
            divisor = float(p.divisor)
            zeros = self._zeros() if p.origin == Origin.ZEROS else ""
            lines.append(self._line("d", "d", inner, known, divisor, remark=zeros, **options))
            known["d"] = divisor
            formula, options["precisions"] = "float16({d})", {}
        elif a.stored in ("float16", "bfloat16") and p.origin == Origin.RANGE:
            lines.append(self._line("S0", "S₀", formula, known, before, **options))
            known["S0"] = before
            inner = "bfloat16({S0})" if a.stored == "bfloat16" else "{S0}"
            formula, options["precisions"] = f"float16({inner})", {}
        lines.append(self._scale_line(formula, known, options))
        lines += self._narrowed_scale()
        lines += self._divisor_line()
        known |= {"S": float(p.scale), "S0": before}
        lines += self._zero_point_lines(known, options)
        formula = self.quantizer.offset_formula()
        if formula:
            known["m"] = float(p.offset)
            lines.append(self._line("m", "m", formula, known, known["m"], names=names))
        return lines

    def _range(self) -> tuple[list[Line], dict[str, str], dict[str, Any]]:
        """Return the lines of the range, its symbols, and its numbers."""
        p, a = self.p, self.p.arithmetic
        low, high, peak = self._ends()
        known: dict[str, Any] = {
            "Rmin": low,
            "Rmax": high,
            "maxR": abs(peak),
            "peakR": peak,
            "Qmin": _whole(p.qmin),
            "Qmax": _whole(p.qmax),
        }
        calibration = self.scheme.calibration
        minmax, source = calibration.how.from_extremes, calibration.origin
        channels = not self.qparams.granularity.whole
        of = f" of {self.qparams.granularity.name(self._channel())}" if channels else ""
        if self.quantizer.symmetric_range or "peakR" in self.quantizer.scale_formula(p.format, a):
            floored = bool(a.range_floor) and abs(peak) == float(p.dtype.type(a.range_floor))
            if minmax and not floored:
                words = f"largest |R|{of}"
                lines = [Line("T", "max|R|", words, "", self._data_text(abs(peak)))] * channels
                return lines, {}, known
            source = f"the least range, for {source}" if floored else source
            line = Line("T", "T", f"{source}{of}", "", self._data_text(abs(peak)))
            return [line], {"maxR": "T"}, known
        if p.origin == Origin.CONSTANT:
            known["maxR"] = max(abs(low), abs(high))
            if minmax:
                source = "0 and the only value" if low != high else "the only value"
        elif minmax and not channels and not (a.includes_zero and 0 in (low, high)):
            return [], {}, known
        lines = []
        for symbol, end, words in (("Rmin", low, "smallest R"), ("Rmax", high, "largest R")):
            words = f"{words}{of}" if minmax and p.origin != Origin.CONSTANT else f"{source}{of}"
            if a.includes_zero and end == 0:
                words += ", widened to 0"
            lines.append(Line(symbol, symbol, words, "", self._data_text(end)))
        return lines, {"maxR": "|Rmax|"}, known

    def _ends(self) -> tuple[float, float, float]:
        """Return Rmin, Rmax and the end of larger magnitude, as used for the parameters."""
        p = self.p
        if not self.quantizer.fixed_range:
            low, high = (float(end) for end in p.range)
            return low, high, low if abs(low) > abs(high) else high
        granularity, shape = self.qparams.granularity, self.array.shape
        channel = self._channel()
        with np.errstate(over="ignore", under="ignore"):
            r = self.array.flat[granularity.positions(channel, shape)].astype(p.dtype)
        r = r[np.isfinite(r)]
        if not r.size:
            return 0.0, 0.0, 0.0
        return float(r.min()), float(r.max()), float(r[np.abs(r).argmax()])

    def _channel(self) -> int:
        return int(self.qparams.granularity.of(self.at.indices, self.array.shape)[0])

    def _scale_precisions(self) -> dict[str, str]:
        p, a = self.p, self.p.arithmetic
        difference = self.precision if a.difference is Precision.WORKING else "float64"
        if self.quantizer.fixed_range:
            return dict.fromkeys((*OPERATIONS, "log2"), self.precision)
        divided = self.precision if a.division is Precision.WORKING else "float64"
        # The textbook uses float64 if the working precision overflows.
        low, high = (p.dtype.type(end) for end in p.range)
        with np.errstate(over="ignore", invalid="ignore"):
            wide = a.refuses_overflow and not np.isfinite(high - low)
        difference = "float64" if wide else difference
        return {"−": difference, "·": difference, "/": divided}

    def _scale_line(self, formula: str, known: dict[str, Any], options: dict[str, Any]) -> Line:
        """Return the line of S, or why it does not follow from the formula."""
        p, a = self.p, self.p.arithmetic
        scale = float(p.scale)
        if p.origin == Origin.ZEROS and (scale == 1 or "2^" in formula):
            why = f"{self._zeros()}: S is set to 1" if scale == 1 else self._zeros()
            return Line("S", "S", "", "", text_of(scale, self.digits), why)
        remark = ""
        if p.origin == Origin.CONSTANT:
            remark = "all values are equal: S is taken from the value"
            if not self.scheme.calibration.how.from_extremes:
                remark = "the range is empty: S is taken from its ends"
            if known["Rmin"] == known["Rmax"]:
                formula = "{maxR} / {Qmax}"
                formula = f"Pow2↑({formula})" if a.pow2 else formula
        elif p.origin == Origin.FLOOR and p.divisor is None:
            if a.tiny.becomes_one:
                why = "the formula gives less than the smallest normal number: S is set to 1"
                return Line("S", "S", "", "", text_of(scale, self.digits), why)
            remark = "the smallest S there is: the formula gives less"
            known = known | {"least": scale}
            formula = f"max({formula}, {{least}})"
        otherwise = "not by this formula at so small or large a range"
        options = options | {"remark": remark, "otherwise": otherwise}
        line = self._line("S", "S", formula, known, scale, **options)
        if not line.numbers and a.stored == "float32":
            # Mention rounding for storage only if the formula does not hold without it.
            line = self._line("S", "S", f"float32({formula})", known, scale, **options)
        return line

    def _narrowed_scale(self) -> list[Line]:
        """Return a line on rounding S to working precision, if visible in the digits."""
        full, kept = float(self.p.scale), float(self.p.working_scale)
        digits = max(self.digits, self.used.get("S", 0))
        if text_of(kept, digits) == text_of(full, digits) or math.isnan(kept):
            return []
        numbers = f"{self.precision}({text_of(full, MOST_DIGITS)})"
        return [Line("S", "S", f"{self.precision}(S)", numbers, text_of(kept, digits))]

    def _divisor_line(self) -> list[Line]:
        """Return the line of the divisor, if it is neither S nor a block's d."""
        p = self.p
        if p.divisor is None or p.arithmetic.stored == "float16" or self._divides_by_scale:
            return []
        return [Line("d", "d", "what R is divided by", "", text_of(float(p.divisor), self.digits))]

    @property
    def _divides_by_scale(self) -> bool:
        return self.p.divisor is None or float(self.p.divisor) == float(self.p.scale)

    def _zero_point_lines(self, known: dict[str, Any], options: dict[str, Any]) -> list[Line]:
        p, a = self.p, self.p.arithmetic
        formula = self.quantizer.zero_point_formula_of(p)
        if formula == "0":
            return []
        outside = "" if p.qmin <= p.zero_point <= p.qmax else "outside the codes"
        dividing = self.precision if a.division is Precision.WORKING else "float64"
        # Python integers are needed for Qmax − Round(Rmax / S).
        exact_sum = a.zero_point is ZeroPoint.FROM_MAX and self.qparams.granularity.whole
        precisions = {"/": dividing} if exact_sum else {"−": dividing, "/": dividing}
        options = {"names": options["names"], "precisions": precisions}
        exact_scale = a.exact_scale and known["S0"] != known["S"] and "{S}" in formula
        coarse = a.stored in ("float16", "bfloat16") and p.divisor is None
        lines: list[Line] = []
        made = self._zero_point_line(formula, known, outside, options)
        if exact_scale and (coarse or not made.numbers) and p.origin == Origin.RANGE:
            formula = formula.replace("{S}", "{S0}")
            made = self._zero_point_line(formula, known, outside, options)
            if not coarse:
                digits = max(self.used.get("S0", 0), self.digits)
                text = text_of(known["S0"], digits)
                lines.append(Line("S0", "S₀", "S before it is stored", "", text))
        return [*lines, made]

    def _zero_point_line(
        self, formula: str, known: dict[str, Any], outside: str, options: dict[str, Any]
    ) -> Line:
        p, a = self.p, self.p.arithmetic
        made = self._line("Z", "Z", formula, known, _whole(p.zero_point), remark=outside, **options)
        if not made.numbers and a.clamps_zero_point:
            clipped = f"Clip({formula}, {{Qmin}}, {{Qmax}})"
            made = self._line("Z", "Z", clipped, known, _whole(p.zero_point), **options)
        if made.numbers:
            return made
        why = "not by the formula at so small or large a scale"
        if p.origin == Origin.FLOOR and a.tiny.becomes_one:
            why = "set with S"
        elif p.range[0] == p.range[1] == 0:
            why = self._zeros()
        return Line("Z", "Z", "", "", str(p.zero_point), why)

    def _zeros(self) -> str:
        """Say why a range has no width at 0; one that leaves values out tells nothing of them."""
        extremes = self.scheme.calibration.how.from_extremes
        return "all values are 0" if extremes else "both ends of the range are 0"

    # From the value to its code and back

    def values(self) -> list[Line]:
        """Return the lines of the value's stages."""
        p, at = self.p, self.at
        real = float(at["real"][0])
        with np.errstate(over="ignore", under="ignore"):
            r = float(at["real"].astype(p.dtype)[0])
        known: dict[str, Any] = {key: float(at[key][0]) for key in at}
        whole = p.format.integer
        # R/S + Z is no whole number unless it was rounded before.
        keys = list(at)
        for key in keys[keys.index("rounded") :] if whole else ():
            if key in ("rounded", "shifted", "clipped"):
                known[key] = _whole(known[key])
        known |= {
            "R": r,
            "S": float(p.working_scale),
            "Z": _whole(float(p.working_zero_point)),
            "Qmin": _whole(p.qmin),
            "Qmax": _whole(p.qmax),
            "d": float(p.working_divisor),
            "m": float(p.dtype.type(p.offset)),
        }
        self._known = known
        lines = [Line("real", "R", "", "", exact(at["real"][0]))]
        rounded_first = unrounded_key(at.stages)
        shown: dict[str, str] = {}
        for place, stage in enumerate(at.stages):
            following = at.stages[place + 1] if stage.key == rounded_first else None
            if stage.key == "code":
                lines.append(self._code_line(stage, known))
                continue
            formula = stage.formula
            if stage.key == "scaled" and not self._divides_by_scale:
                formula = formula.replace("{S}", "{d}")
            if stage.key == "rounded":
                lines += self._helpers(formula, known)
            own = dict(known)
            if stage.key == "reconstructed":
                own["Q"] = self._number_of_code(known)
            elif stage.key == "error":
                own["R"] = real
            line = self._stage_line(stage, formula, own, shown, following)
            shown[stage.key] = line.result
            if stage.key == "clipped":
                shown["Q"] = line.result
            lines.append(line)
        digits = max(self.digits, self.used.get("R", 0))
        if r != real and not math.isnan(r) and text_of(r, digits) != text_of(real, digits):
            numbers = f"{self.precision}({text_of(real, MOST_DIGITS)})"
            lines.insert(1, Line("r", "R", f"{self.precision}(R)", numbers, text_of(r, digits)))
        return lines

    def _helpers(self, formula: str, known: dict[str, Any]) -> list[Line]:
        """Return the lines of further inputs of rounding: spacing, or a random number."""
        p, lines = self.p, []
        if "{step}" in formula:
            unrounded = self.at.unrounded
            with np.errstate(all="ignore"):
                known["step"] = float(p.format.gap(unrounded)[0])
            unrounded_stage = unrounded_key(self.at.stages)
            symbol = next(s.symbol for s in self.at.stages if s.key == unrounded_stage)
            words = f"distance of the numbers of {p.format.name} around {symbol}"
            lines.append(Line("step", "step", words, "", text_of(known["step"], MOST_DIGITS)))
        if "{u}" in formula:
            known["u"] = float(uniform_at(self.at.indices % self.array.size, p.arithmetic.seed)[0])
            words = "by chance, from the seed and the position"
            lines.append(Line("u", "u", words, "", text_of(known["u"], self.digits)))
        return lines

    def _stage_line(
        self,
        stage: Stage,
        formula: str,
        own: dict[str, Any],
        shown: dict[str, str],
        following: Stage | None,
    ) -> Line:
        precision = self.at[stage.key].dtype.name
        return self._line(
            stage.key,
            stage.symbol,
            formula,
            own,
            own[stage.key],
            stages=self.at.stages[:-2],
            precisions=dict.fromkeys(OPERATIONS, precision),
            shown=shown,
            follows=None if following is None else self._follows(following, stage.key),
            remark=self._odd_code(own) if stage.key == "clipped" else "",
            otherwise=self._why_not(stage),
        )

    def _follows(self, stage: Stage, key: str) -> Callable[[str], bool]:
        """Return a test of whether rounding the printed number gives the actual result."""
        node = parsed(stage.formula)
        probe = dict(self._known)
        self._helpers(stage.formula, probe)
        exactly: dict[str, Number] = {
            name: Fraction(probe[name]) if math.isfinite(probe[name]) else probe[name]
            for name in node.names()
        }
        result = self._known[stage.key]

        def follows(text: str) -> bool:
            left = value_of(node, exactly | {key: number_of(text)}, self.functions)
            return gives(left, result, MOST_DIGITS if isinstance(result, int) else self.digits)

        return follows

    def _why_not(self, stage: Stage) -> str:
        """Return why a stage does not follow from its formula."""
        if float(self.p.working_divisor) == 0 and stage.key == "scaled":
            return "1 / 0 counts as 0"
        if self.quantizer.cast_remark and stage.key in ("rounded", "clipped"):
            return self.quantizer.cast_remark
        return "not by the formula: a number in it lies beyond the precision"

    def _odd_code(self, known: dict[str, Any]) -> str:
        """Return which code a NaN made by the arithmetic is stored as."""
        if not math.isnan(known["clipped"]) or math.isnan(known["real"]):
            return ""
        return f"stored as the code {self.p.format.label(self._code())}"

    def _code(self) -> int:
        with np.errstate(all="ignore"):
            r = self.at["real"].astype(self.p.dtype)
            codes, _ = self.quantizer.encode(r, self.p, self.at.indices % self.array.size)
        return int(codes[0])

    def _number_of_code(self, known: dict[str, Any]) -> Any:
        """Return the number of the code, from which R′ is computed."""
        if math.isnan(known["real"]):
            return math.nan
        if self.p.format.integer and not math.isnan(known["clipped"]):
            return known["clipped"]
        code = np.array([self._code()], self.p.format.dtype)
        return _whole(self.p.format.unpack(code)[0])

    def _code_line(self, stage: Stage, known: dict[str, Any]) -> Line:
        if math.isnan(known["real"]):
            return Line(stage.key, stage.symbol, "", "", "–")
        code = int(self.at["code"][0])
        number = self._number_of_code(known)
        text = text_of(number, self.digits)
        if number == 0 and math.copysign(1, number) < 0:
            text = "-0"
        symbols = symbolic(stage.formula, self.at.stages[:-2])
        return Line(stage.key, stage.symbol, symbols, f"Bits({text})", self.p.format.label(code))


def _whole(value: Any) -> Any:
    """Convert integral values to Python integers, to print them in full."""
    if isinstance(value, int):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e17 else number


def _nearest_in(book: tuple[float, ...]) -> Callable[[Number], Number]:
    """Return a function that rounds to a list of numbers, ties down; unchanged beyond both ends."""
    numbers = [Fraction(number) for number in book]
    below = numbers[0] - (numbers[1] - numbers[0]) / 2
    above = numbers[-1] + (numbers[-1] - numbers[-2]) / 2

    def nearest(x: Number) -> Number:
        if not isinstance(x, Fraction) or not below <= x <= above:
            return x
        return min(numbers, key=lambda number: (abs(number - x), number))

    return nearest
