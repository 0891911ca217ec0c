/* Rounding of a unit of values to a format's numbers, as if these continued beyond both ends.

   Included once per precision by _loops_unit.h. */

/* Round to integers. */
static INLINE void NAME(round)(REAL *restrict x, int n, const Choices *c, int64_t position)
{
    switch (c->rounding) {
    case TIES_EVEN:
        for (int i = 0; i < n; i++) x[i] = RINT(x[i]);
        break;
    case TIES_AWAY:
        for (int i = 0; i < n; i++) {
            REAL whole = TRUNC(x[i]);
            REAL further = whole + COPYSIGN((REAL)1, x[i]);
            x[i] = FABS(x[i] - whole) >= (REAL)0.5 ? further : whole;
        }
        break;
    case TOWARD_ZERO:
        for (int i = 0; i < n; i++) x[i] = TRUNC(x[i]);
        break;
    case TIES_LOWER:
        for (int i = 0; i < n; i++) {
            REAL size = FABS(x[i]) - (REAL)0.5;
            x[i] = COPYSIGN(CEIL(size), x[i]);
        }
        break;
    case SHIFTED: {
        REAL added = (REAL)c->added;
        for (int i = 0; i < n; i++) x[i] = TRUNC(x[i] + added);
        break;
    }
    default:
        for (int i = 0; i < n; i++) {
            REAL down = FLOOR(x[i]);
            REAL up = uniform_at((uint64_t)(position + i), c->seed) < (double)(x[i] - down);
            x[i] = down + up;
        }
    }
}

/* The exponent of |x|, but not below that of the smallest normal number of a small float. */
static INLINE int NAME(exponent)(REAL x, int least)
{
    WORD bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)((bits >> FRACTION) & (2 * BIAS + 1)) - BIAS;
    exponent = exponent > BIAS ? BIAS : exponent; /* of an infinity */
    return exponent < least ? least : exponent;
}

static INLINE REAL NAME(power_of_two)(int exponent)
{
    WORD bits = (WORD)(exponent + BIAS) << FRACTION;
    REAL power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* Round to a small float: to multiples of its quantum, which scales by a power of two exactly. */
static INLINE void NAME(round_float)(NAME(Buffers) *restrict b, int n, const Choices *c,
                                     int64_t position)
{
    REAL *restrict x = b->number, *restrict quantum = b->quantum;
    int least = c->least, mantissa = c->mantissa;
    for (int i = 0; i < n; i++) {
        int exponent = NAME(exponent)(x[i], least) - mantissa;
        quantum[i] = NAME(power_of_two)(exponent);
        x[i] = x[i] * NAME(power_of_two)(-exponent);
    }
    NAME(round)(x, n, c, position);
    for (int i = 0; i < n; i++) x[i] = x[i] * quantum[i];
}

/* Round to a book of numbers, ties down; far beyond its ends a number stays, to be clipped. */
static INLINE void NAME(round_book)(NAME(Buffers) *restrict b, int n, const Inputs *in)
{
    REAL *restrict x = b->number;
    int32_t *restrict place = b->place;
    const REAL *levels = in->levels, *ends = in->ends;
    int last = (int)in->level_count - 1;
    for (int i = 0; i < n; i++) place[i] = 0;
    for (int level = 0; level < last; level++) {
        REAL end = ends[level];
        for (int i = 0; i < n; i++) place[i] += !(x[i] <= end);
    }
    double high = (double)levels[last], above = high + (high - (double)levels[last - 1]) / 2;
    double low = (double)levels[0], below = low - ((double)levels[1] - low) / 2;
    for (int i = 0; i < n; i++) {
        int outside = ((double)x[i] > above) | ((double)x[i] < below);
        x[i] = outside ? x[i] : levels[place[i]];
    }
}
