"""The C header: compiled by the system's compiler, it makes the engine's codes and values."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from platform import machine

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import NotExpressibleError
from tests.engine.export.arrays import SCHEMES, normal, on_ties

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
# What would fuse products with sums, where the processor can.
FUSING = ["-O3", "-ffp-contract=fast", *(["-march=native"] if machine() == "x86_64" else [])]
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

PROGRAM = """\
#include <stdio.h>
{includes}

#define RUN(NAME, REAL, CODE, CHANNEL) \\
    for (size_t i = 0; i < count; i++) {{ \\
        size_t channel = channels[i]; \\
        REAL x; \\
        CODE code; \\
        REAL back; \\
        (void)channel; \\
        if (fread(&x, sizeof x, 1, stdin) != 1) return 1; \\
        code = NAME##_quantize(x CHANNEL); \\
        back = NAME##_dequantize(code CHANNEL); \\
        fwrite(&code, sizeof code, 1, stdout); \\
        fwrite(&back, sizeof back, 1, stdout); \\
    }}
#define WITH_CHANNEL , channel

int main(void)
{{
    static size_t channels[{count}];
    size_t count = {count};
{runs}
    return 0;
}}
"""


def compiled(results: list[engine.Evaluation], place: Path, flags: list[str]) -> list[tuple]:
    """Return codes and reconstructed values from one program with all headers, fed by its input."""
    includes, runs, given = [], [], b""
    count = results[0].values.size
    for number, result in enumerate(results):
        p, shape = result.qparams, result.codes.shape
        name = f"t{number}"
        (place / f"{name}.h").write_bytes(export.render("c", result, name))
        includes.append(f'#include "{name}.h"')
        real = "float" if p.dtype == np.float32 else "double"
        channel = "" if p.granularity.whole else "WITH_CHANNEL"
        runs.append("    if (fread(channels, sizeof(size_t), count, stdin) != count) return 1;")
        runs.append(f"    RUN({name}, {real}, {result.codes.dtype.name}_t, {channel})")
        channels = p.granularity.of(np.arange(count), shape).astype(np.uintp)
        given += channels.tobytes() + result.values.astype(p.dtype).tobytes()
    text = PROGRAM.format(includes="\n".join(includes), count=count, runs="\n".join(runs))
    (place / "main.c").write_text(text)
    assert COMPILER is not None
    subprocess.run(
        [COMPILER, *FLAGS, *flags, "main.c", "-o", "main", "-lm"],
        cwd=place, check=True, timeout=100,
    )  # fmt: skip
    output = subprocess.run([place / "main"], input=given, capture_output=True, check=True).stdout
    made, start = [], 0
    for result in results:
        record = np.dtype([("code", result.codes.dtype), ("back", result.qparams.dtype)])
        part = np.frombuffer(output, record, count, start)
        start += count * record.itemsize
        made.append((part["code"], part["back"]))
    assert start == len(output)
    return made


def expressible(result: engine.Evaluation) -> bool:
    try:
        export.render("c", result, "x")
    except NotExpressibleError:
        return False
    return True


@needs_compiler
@pytest.mark.parametrize("flags", [["-O0"], FUSING], ids=["O0", "O3"])
@pytest.mark.parametrize("ties", [False, True], ids=["normal", "ties"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_codes_and_values_are_the_engine_s(
    flags: list[str], ties: bool, kind: type, tmp_path: Path
) -> None:
    results = []
    for scheme in SCHEMES:
        result = engine.evaluate(normal().astype(kind), scheme)
        if ties:
            manual = engine.Scheme.parse(scheme)
            x = on_ties(result.qparams, result.codes.shape).astype(kind)
            x[1, 1, 1] = np.nan
            if result.scheme.fixed_range:
                continue
            result = engine.evaluate(x, manual.with_range(-2, 3))
        if expressible(result):
            results.append(result)
    assert len(results) > 70
    known = ~np.isnan(results[0].values.reshape(-1))
    for result, (codes, back) in zip(results, compiled(results, tmp_path, flags), strict=True):
        np.testing.assert_array_equal(codes, result.codes.reshape(-1), str(result.scheme))
        reconstructed = result.reconstructed.reshape(-1)
        assert back[known].tobytes() == reconstructed[known].tobytes(), result.scheme


@needs_compiler
def test_fast_math_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_bytes(
        export.render("c", engine.evaluate([1.0], "int8 symmetric"), "a")
    )
    assert COMPILER is not None
    for flags, status in (([], 0), (["-ffast-math"], 1)):
        done = subprocess.run(
            [COMPILER, *FLAGS, *flags, "-fsyntax-only", "-x", "c", "a.h"],
            cwd=tmp_path, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stderr


@needs_compiler
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("method", [0, 1, 2])
def test_precision_beyond_that_of_the_steps_is_an_error(
    kind: type, method: int, tmp_path: Path
) -> None:
    """As of old processors' own arithmetic: 1 computes floats in double, 2 all in long double."""
    result = engine.evaluate(np.array([1.0], kind), "int8 symmetric")
    (tmp_path / "a.h").write_bytes(export.render("c", result, "a"))
    assert COMPILER is not None
    macro = "__FLT_EVAL_METHOD__"
    flags = ["-Wno-builtin-macro-redefined", f"-U{macro}", f"-D{macro}={method}"]
    done = subprocess.run(
        [COMPILER, *FLAGS, *flags, "-fsyntax-only", "-x", "c", "a.h"],
        cwd=tmp_path, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert bool(done.returncode) == (method > (kind == np.float64)), done.stderr


@needs_compiler
@pytest.mark.parametrize(
    "name",
    [
        "",
        "1x",
        "int",
        "a/b:0",
        "größe 重み",
        "*/ #endif /*",
        "??/",
        "two\nlines\\",
        "\ud800",
        "_A_",
    ],
    ids=ascii,
)
def test_any_name_makes_a_header(name: str, tmp_path: Path) -> None:
    header = export.render("c", engine.evaluate([1.0, 2.0], "uint8 asymmetric"), name)
    (tmp_path / "a.c").write_bytes(
        b'#include "a.h"\n#include "a.h"\nint main(void) { return 0; }\n'
    )
    (tmp_path / "a.h").write_bytes(header)
    assert COMPILER is not None
    subprocess.run([COMPILER, *FLAGS, "a.c"], cwd=tmp_path, check=True, timeout=60)
    (function,) = re.findall(rb"int8_t (\w+)_quantize", header)
    assert re.fullmatch(rb"[A-Za-z]\w*", function)


def test_what_it_says_of_the_worked_example() -> None:
    x = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    result = engine.evaluate(x, "int8 asymmetric")
    text = export.render("c", result, "conv1.weight").decode("ascii")
    (scale,) = re.findall(r"#define CONV1_WEIGHT_SCALE \((.*)f\)", text)
    assert float.fromhex(scale) == np.float32(result.qparams.scale)
    assert "#define CONV1_WEIGHT_ZERO_POINT (-16)" in text
    assert "#define CONV1_WEIGHT_QMIN (-128)" in text and "#define CONV1_WEIGHT_QMAX (127)" in text


@pytest.mark.parametrize(
    ("values", "scheme", "sentence"),
    [
        ([1.0], "e4m3fn symmetric", "has integer codes only, not e4m3fn"),
        ([1.0], "q8_0", "has integer codes only, not q8_0"),
        ([1.0], "int8 symmetric stochastic(4)", r"as stochastic\(4\) does"),
        ([1.0, 1.0 + 2**-51], "int16 asymmetric", "zero points in 32 bits"),
        ([0.0], "int8 symmetric @tflite", "no scale of 0.0"),
    ],
)
def test_what_it_cannot_say_it_refuses(values: list[float], scheme: str, sentence: str) -> None:
    with pytest.raises(NotExpressibleError, match=sentence):
        export.render("c", engine.evaluate(np.array(values), scheme), "w")


def test_a_scale_whose_inverse_is_infinite_is_refused_where_it_is_multiplied_by() -> None:
    # Per channel LiteRT divides, and every other runtime that multiplies has a floor for S.
    values, scheme = [1e-40], "int8 symmetric @litert"
    result = engine.evaluate(np.array(values, np.float32), scheme)
    smallest = np.float32(np.min(result.qparams.working_scale))
    with np.errstate(over="ignore"):
        assert smallest > 0 and np.isinf(np.float32(1) / smallest)
    with pytest.raises(NotExpressibleError, match="has no scale of 7.87"):
        export.render("c", result, "w")
    # Where values are divided by it, it is as good as any.
    divided = engine.evaluate(np.array([1e-40], np.float32), "int8 symmetric")
    assert b"W_SCALE" in export.render("c", divided, "w")
