/* Compiled loops: what ``engine.evaluation`` does with a block of values, in one pass.

   The numpy formulas of ``engine.quantizers`` are the definition; tests hold these loops to them,
   code for code and bit for bit. Nothing here is used where it cannot be built: see ``loops.py``.
   No fused multiply-add may be made of two operations: build with -ffp-contract=off. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#else
#define INLINE inline
#endif

/* Variants for processors with wider vectors, of which the loader takes the best: glibc's does. */
#if !defined(__x86_64__) || !defined(__GLIBC__)
#define WIDE
#elif defined(__clang__) ? __clang_major__ >= 14 : __GNUC__ >= 12
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#elif !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

#if defined(__clang__)
/* It may leave a loop as it is. */
#pragma clang diagnostic ignored "-Wpass-failed"
#elif defined(_MSC_VER)
#define restrict __restrict
#pragma fp_contract(off)
#pragma warning(disable : 4068) /* of pragmas that it does not know */
#endif

enum { UNIT = 512 }; /* The most values per unit. */
enum { TIES_EVEN, TIES_AWAY, TOWARD_ZERO, BY_CHANCE, TIES_LOWER, SHIFTED };
enum { DIVIDED, BY_RECIPROCAL, MULTIPLIED };
enum { NO_SHIFT, BEFORE, AFTER };
enum { RR, QQ, RQ, E, SIZE, ROUNDED, CLIPPED, STEPS, KINDS };
enum { USABLE, LOW, HIGH, STEPPED, NOT_A_NUMBER, INFINITE, LOST, OVERFLOWED, FAR, COUNTS };
enum { INTEGER, SMALL_FLOAT, BOOK };
#define NO_CODE INT64_MIN

/* The choices that the formulas leave open. */
typedef struct {
    int rounding, shift, fused, reciprocal, moved, steps, code_kind;
    double added; /* before a number is cut off, where rounding is SHIFTED */
    int zero_code; /* of 0 and −0; −1 if these keep their own */
    int by_value;  /* whether the largest error of rounding depends on the value */
    double reach;  /* of rounding, in steps */
    /* Of a small float: bits of the mantissa, exponent of the smallest normal number, and which bit
       is the sign. */
    int form, mantissa, least, sign;
    uint64_t seed;
    int64_t nan_code;
    double qmin, qmax;
} Choices;

/* Values of a block, and parameters, each of which holds for ``inner`` positions, over and over
   again, the first value being at ``first`` of these; ``position`` is where it lies in the array. */
typedef struct {
    const void *values;
    int kind; /* of the values */
    int64_t size, position, first, inner, count, unit, stretch;
    const void *scale, *zero_point;
    /* What values are divided by, or multiplied with, if it is not the scale; what is taken from
       them before, and what is added to R' instead. */
    const void *divisor, *offset, *kept_offset;
    /* A book of numbers, ascending, and the largest numbers that are rounded to each but the last. */
    const void *levels, *ends;
    int64_t level_count;
    /* For curves: the largest error of rounding; or, where it depends on the value, |S|, and unless
       NULL |S/d − 1|, m and how far m is from what is kept of it. */
    const double *bound, *ratio, *low, *moved;
} Inputs;

/* What is written: nothing to what is NULL. */
typedef struct {
    void *codes;
    double *sums;
    int64_t *counts, *tally;
    void *largest, *error_low, *error_high, *made_low, *made_high;
    void *made, *error; /* R' and R' − R, one by one */
    signed char *side;   /* −1 for what is clipped low, 1 for what is clipped high */
    double *bound_low, *bound_high;
    int64_t *clipped_low, *clipped_high;
    int64_t units;
} Outputs;

typedef struct {
    double sums[KINDS], largest;
    int64_t counts[COUNTS];
} Found;

/* A pseudo-random number in [0, 1) for a position: SplitMix64 (Steele 2014). */
static INLINE double uniform_at(uint64_t position, uint64_t seed)
{
    uint64_t z = position + 1 + seed * UINT64_C(0x632BE59BD9B4E019);
    z *= UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

/* How values are stored: the letters of their dtypes. */
enum { FLOAT = 'f', DOUBLE = 'd', HALF = 'e', BFLOAT = 'E' };

static int64_t item_of(int kind)
{
    return kind == DOUBLE ? 8 : kind == FLOAT ? 4 : kind == HALF || kind == BFLOAT ? 2 : 0;
}

/* At most so many values as they are stored, from a position on, in float32, all of it exact. */
static INLINE void load_float(float *restrict r, const void *values, int kind, int64_t start, int n)
{
    const uint16_t *restrict stored = (const uint16_t *)values + start;
    if (kind == BFLOAT) {
        /* The upper half of a float32. */
        for (int i = 0; i < n; i++) {
            uint32_t bits = (uint32_t)stored[i] << 16;
            memcpy(&r[i], &bits, sizeof bits);
        }
    } else if (kind == HALF) {
        /* Its digits in place make a number 2^112 times too small, subnormal or not. */
        for (int i = 0; i < n; i++) {
            uint32_t half = stored[i], bits = (half & 0x7FFF) << 13;
            float number;
            memcpy(&number, &bits, sizeof bits);
            number *= 5192296858534827628530496329220096.0f;
            memcpy(&bits, &number, sizeof bits);
            bits |= (half & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
            bits |= (half & 0x8000) << 16;
            memcpy(&r[i], &bits, sizeof bits);
        }
    } else {
        memcpy(r, (const float *)values + start, sizeof *r * (size_t)n);
    }
}

static INLINE void load_double(double *restrict r, const void *values, int kind, int64_t start,
                               int n)
{
    (void)kind;
    memcpy(r, (const double *)values + start, sizeof *r * (size_t)n);
}

/* Rows of values that are tried with sets of parameters, the sets over and over again for one row
   after the other. */
enum { LEAF = 128, FEW = 16 }; /* Values that numpy adds in one go; a few, for whole vectors. */
#define MOST_VALUES (INT64_C(1) << 40)

typedef struct {
    const void *values, *scale;
    const double *weights, *zero_point;
    int64_t rows, length, sets;
    int exponent; /* Errors are divided by its power of two before squaring. */
} Rows;

typedef struct {
    double clipped, rounded;
} Cost;

/* The largest cost that is of interest: of what is clipped, or of all. */
typedef struct {
    double most;
    int of_both;
} Limit;

static const Limit NO_LIMIT = {INFINITY, 0};

/* How parameters follow from a range, and the ranges that a search tries, in turn: factors that
   shrink it, factors around the best, shares of its width by which ends move, and whole steps. */
typedef struct {
    int symmetric, zero_point;
} Family;

typedef struct {
    const double *shrink, *factors, *spread, *moves;
    int64_t shrink_count, factor_count, spread_count, move_count;
} Plan;

static INLINE double of_eight(const double *x)
{
    return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

/* The sum of at most 128 numbers as numpy takes it: eight sums side by side, then those. */
static INLINE double eight_sums(const double *restrict x, int n)
{
    double sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sums[k] += x[i + k];
    double total = of_eight(sums);
    for (; i < n; i++) total += x[i];
    return total;
}

#define REAL float
#define OWN_KIND FLOAT
#define WORD uint32_t
#define SMALLEST 1.40129846432481707092e-45f
#define NAME(x) x##_float
#define RINT rintf
#define TRUNC truncf
#define FLOOR floorf
#define CEIL ceilf
#define FABS fabsf
#define COPYSIGN copysignf
#define FMA fmaf
#define LARGEST 3.40282346638528859812e38f
#define WORD uint32_t
#define SMALLEST 1.40129846432481707092e-45f
#define FRACTION 23
#define BIAS 127
#include "_loops_unit.h"
#include "_loops_search_unit.h"
#undef REAL
#undef OWN_KIND
#undef WORD
#undef SMALLEST
#undef NAME
#undef RINT
#undef TRUNC
#undef FLOOR
#undef CEIL
#undef FABS
#undef COPYSIGN
#undef FMA
#undef LARGEST
#undef WORD
#undef SMALLEST
#undef FRACTION
#undef BIAS
#define REAL double
#define OWN_KIND DOUBLE
#define WORD uint64_t
#define SMALLEST 4.94065645841246544177e-324
#define NAME(x) x##_double
#define RINT rint
#define TRUNC trunc
#define FLOOR floor
#define CEIL ceil
#define FABS fabs
#define COPYSIGN copysign
#define FMA fma
#define LARGEST 1.79769313486231570815e308
#define WORD uint64_t
#define SMALLEST 4.94065645841246544177e-324
#define FRACTION 52
#define BIAS 1023
#include "_loops_unit.h"
#include "_loops_search_unit.h"

WIDE static void run_float(const Choices *c, const Inputs *in, const Outputs *o)
{
    block_float(c, in, o);
}

WIDE static void run_double(const Choices *c, const Inputs *in, const Outputs *o)
{
    block_double(c, in, o);
}

/* Buffers of the arguments: each is checked for its length before a loop sees it. */

enum { MOST = 32 };

typedef struct {
    Py_buffer views[MOST];
    int held;
    int failed;
} Held;

static void *take(Held *held, PyObject *it, int writable, int64_t bytes, const char *name)
{
    if (held->failed || it == Py_None) return NULL;
    Py_buffer *view = &held->views[held->held];
    int flags = writable ? PyBUF_WRITABLE : PyBUF_SIMPLE;
    if (PyObject_GetBuffer(it, view, flags) < 0) {
        held->failed = 1;
        return NULL;
    }
    held->held++;
    if (view->len != bytes) {
        PyErr_Format(PyExc_ValueError, "%s has %zd bytes, not %lld", name, view->len,
                     (long long)bytes);
        held->failed = 1;
        return NULL;
    }
    return view->buf;
}

static PyObject *evaluate(PyObject *module, PyObject *args)
{
    (void)module;
    Choices c;
    Inputs in;
    Outputs o;
    PyObject *values, *scale, *zero_point, *codes, *sums, *counts, *largest, *tally;
    PyObject *error_low, *error_high, *made_low, *made_high, *clipped_low, *clipped_high;
    PyObject *bound, *bound_low, *bound_high, *made, *error, *side, *levels, *ends;
    PyObject *divisor, *offset, *kept_offset, *ratio, *low, *moved;
    int kind, code_kind;
    long long unit, stretch, position, first, inner, count, nan_code, size;
    unsigned long long seed;
    memset(&in, 0, sizeof in);
    memset(&o, 0, sizeof o);
    if (!PyArg_ParseTuple(
            args, "(iiiiiiCKLddiiiidiid)CLLLLLLLOOOOOOOOOOOOOOOOOOOOOOOOOOOO:evaluate", &c.rounding, &c.shift, &c.fused,
            &c.reciprocal, &c.moved, &c.steps, &code_kind, &seed, &nan_code, &c.qmin, &c.qmax,
            &c.form, &c.mantissa, &c.least, &c.sign, &c.added, &c.zero_code,
            &c.by_value, &c.reach,
            &kind, &unit, &stretch, &size, &position, &first, &inner, &count, &values, &scale, &zero_point, &codes, &sums,
            &counts, &largest, &tally, &error_low, &error_high, &made_low, &made_high,
            &clipped_low, &clipped_high, &bound, &bound_low, &bound_high, &made,
            &error, &side, &levels, &ends, &divisor, &offset, &kept_offset,
            &ratio, &low, &moved))
        return NULL;
    c.code_kind = code_kind;
    c.seed = seed;
    c.nan_code = nan_code;
    int64_t stored = item_of(kind), item = stored == 8 ? 8 : 4, code_item;
    switch (code_kind) {
    case 'b': case 'B': code_item = 1; break;
    case 'h': case 'H': code_item = 2; break;
    default:
        PyErr_SetString(PyExc_ValueError, "codes are of 8 or 16 bits");
        return NULL;
    }
    if (!stored || unit < 1 || unit > UNIT || stretch < 1 || unit % stretch || size < 1 || size > (INT64_C(1) << 40) || inner < 1 || count < 1 || first < 0 || position < 0 ||
        count > (INT64_C(1) << 40) || c.qmin < -65536 || c.qmax > 65536 || c.rounding < TIES_EVEN ||
        c.rounding > SHIFTED || c.zero_code < -1 || c.zero_code > 8) {
        PyErr_SetString(PyExc_ValueError, "a kind, a size or a code range is out of bounds");
        return NULL;
    }
    int64_t units = (size - 1) / unit + 1, stretches = (size - 1) / stretch + 1;
    Held held;
    held.held = held.failed = 0;
    in.values = take(&held, values, 0, size * stored, "values");
    in.scale = take(&held, scale, 0, count * item, "scale");
    in.zero_point = take(&held, zero_point, 0, count * item, "zero_point");
    o.codes = take(&held, codes, 1, size * code_item, "codes");
    o.sums = take(&held, sums, 1, KINDS * units * 8, "sums");
    o.counts = take(&held, counts, 1, COUNTS * 8, "counts");
    o.largest = take(&held, largest, 1, units * item, "largest");
    o.tally = take(&held, tally, 1, 256 * 8, "tally");
    o.error_low = take(&held, error_low, 1, stretches * item, "error_low");
    o.error_high = take(&held, error_high, 1, stretches * item, "error_high");
    o.made_low = take(&held, made_low, 1, stretches * item, "made_low");
    o.made_high = take(&held, made_high, 1, stretches * item, "made_high");
    o.clipped_low = take(&held, clipped_low, 1, units * 8, "clipped_low");
    o.clipped_high = take(&held, clipped_high, 1, units * 8, "clipped_high");
    in.bound = take(&held, bound, 0, count * 8, "bound");
    o.bound_low = take(&held, bound_low, 1, stretches * 8, "bound_low");
    o.bound_high = take(&held, bound_high, 1, stretches * 8, "bound_high");
    o.made = take(&held, made, 1, size * item, "made");
    o.error = take(&held, error, 1, size * item, "error");
    o.side = take(&held, side, 1, size, "side");
    in.divisor = take(&held, divisor, 0, count * item, "divisor");
    in.offset = take(&held, offset, 0, count * item, "offset");
    in.kept_offset = take(&held, kept_offset, 0, count * item, "kept_offset");
    in.ratio = take(&held, ratio, 0, count * 8, "ratio");
    in.low = take(&held, low, 0, count * 8, "low");
    in.moved = take(&held, moved, 0, count * 8, "moved");
    in.level_count = 0;
    if (levels != Py_None) {
        Py_ssize_t count_of_levels = PyObject_Size(levels);
        if (count_of_levels < 2 || count_of_levels > 256) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "a book has 2 to 256 numbers");
            held.failed = 1;
        }
        in.level_count = count_of_levels;
        in.levels = take(&held, levels, 0, in.level_count * item, "levels");
        in.ends = take(&held, ends, 0, (in.level_count - 1) * item, "ends");
    }
    int formed = c.form == INTEGER ||
                 (c.form == SMALL_FLOAT && c.mantissa > 0 && c.mantissa < 8 && c.least > -64 &&
                  c.least < 64 && c.sign > 0 && c.sign < 8 && code_kind == 'B') ||
                 (c.form == BOOK && in.levels && in.ends && code_kind == 'B');
    int ready = formed && in.values && in.scale && in.zero_point && o.codes && o.sums && o.counts && o.largest;
    int paired = !o.error_low == !o.error_high && !o.made_low == !o.made_high &&
                 !o.clipped_low == !o.clipped_high && (o.error_low || !(o.made_low || o.bound_low)) &&
                 !o.made == !o.error && !o.made == !o.side && !in.bound == !o.bound_low && !in.bound == !o.bound_high &&
                 !in.offset == !in.kept_offset && !in.low == !in.moved &&
                 (in.bound || !(in.ratio || in.low)) && (in.divisor || !(in.offset || c.reciprocal == MULTIPLIED)) &&
                 (!o.tally || code_item == 1);
    if (!held.failed && !(ready && paired)) {
        PyErr_SetString(PyExc_ValueError, "arrays are missing, or the format is none");
        held.failed = 1;
    }
    if (!held.failed) {
        in.kind = kind;
        in.size = size;
        in.unit = unit;
        in.stretch = stretch;
        in.position = position;
        in.first = first;
        in.inner = inner;
        in.count = count;
        o.units = units;
        Py_BEGIN_ALLOW_THREADS
        if (kind == DOUBLE) run_double(&c, &in, &o);
        else run_float(&c, &in, &o);
        Py_END_ALLOW_THREADS
    }
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    if (held.failed) return NULL;
    Py_RETURN_NONE;
}

#include "_loops_search.h"

static PyMethodDef methods[] = {
    {"evaluate", evaluate, METH_VARARGS, "Encode and decode a block, and write what is summed up."},
    {"costs", costs, METH_VARARGS, "Write what ranges cost: the squared errors of rows."},
    {"keys", keys, METH_VARARGS, "Count values by their first 16 bits, in the order of values."},
    {"picked", picked, METH_VARARGS, "Write the values of some keys; return their number."},
    {"bins", bins, METH_VARARGS, "Count |R| in bins up to the largest."},
    {"histogram", histogram, METH_VARARGS, "Count values in even bins."},
    {"search", search, METH_VARARGS, "Write the range of least cost per row over its extremes."},
    {"extremes", extremes, METH_VARARGS, "Write the extremes of runs; say whether all is finite."},
    {NULL, NULL, 0, NULL},
};

/* Raised with every change of what a function takes: Python refuses a module of another build. */
enum { VERSION = 4 };

static int begin(PyObject *module)
{
    return PyModule_AddIntConstant(module, "VERSION", VERSION);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begin}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_loops", "Compiled loops of the engine.", 0, methods, slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__loops(void)
{
    return PyModuleDef_Init(&definition);
}
