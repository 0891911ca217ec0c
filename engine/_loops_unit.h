/* One unit of values in the working precision REAL: the formulas stage by stage, each stage one
   plain loop that the compiler turns into vectors, over buffers that stay in the first cache.

   Included once per precision, with these names defined: REAL, NAME(x), RINT, TRUNC, FLOOR, FABS,
   COPYSIGN, FMA, LARGEST, WORD with
   FRACTION and BIAS of its bits. */

typedef struct {
    REAL s[UNIT], z[UNIT], r[UNIT], number[UNIT], code[UNIT], made[UNIT], error[UNIT];
    REAL divisor[UNIT], offset[UNIT], kept_offset[UNIT];
    double bound[UNIT], ratio[UNIT], low[UNIT], moved[UNIT];
    REAL quantum[UNIT];
    int32_t place[UNIT]; /* in a book */
    signed char side[UNIT];
    REAL qmin, qmax;
} NAME(Buffers);

static INLINE void NAME(fill)(REAL *restrict x, REAL value, int n)
{
    for (int i = 0; i < n; i++) x[i] = value;
}

#include "_loops_round.h"

/* From R to the number before Clip: R/S, R · (1/S) or (R − m) · 1/d, Z before or after rounding. */
static INLINE void NAME(stages)(NAME(Buffers) *restrict b, int n, const Choices *c,
                                const Inputs *in, int64_t position)
{
    const REAL *restrict r = b->r, *restrict z = b->z, *restrict m = b->offset;
    const REAL *restrict s = in->divisor ? b->divisor : b->s;
    REAL *restrict x = b->number;
    if (in->offset) {
        for (int i = 0; i < n; i++) x[i] = (r[i] - m[i]) * s[i];
    } else if (c->reciprocal == MULTIPLIED) {
        for (int i = 0; i < n; i++) x[i] = r[i] * s[i];
    } else if (c->fused) {
        for (int i = 0; i < n; i++) x[i] = FMA(r[i], (REAL)1 / s[i], z[i]);
    } else {
        if (c->reciprocal)
            for (int i = 0; i < n; i++) x[i] = r[i] * ((REAL)1 / s[i]);
        else
            for (int i = 0; i < n; i++) x[i] = r[i] / s[i];
        if (c->shift == BEFORE)
            for (int i = 0; i < n; i++) x[i] = x[i] + z[i];
    }
    if (c->form == BOOK) NAME(round_book)(b, n, in);
    else if (c->form == SMALL_FLOAT) NAME(round_float)(b, n, c, position);
    else NAME(round)(x, n, c, position);
    if (c->shift == AFTER)
        for (int i = 0; i < n; i++) x[i] = x[i] + z[i];
}

/* Clip, and say whether anything is beyond the codes. A number that is none becomes code 0. */
static INLINE int NAME(clip)(NAME(Buffers) *restrict b, int n, const Choices *c)
{
    const REAL *restrict x = b->number;
    REAL *restrict code = b->code;
    REAL qmin = b->qmin, qmax = b->qmax;
    int beyond = 0;
    if (c->form != INTEGER) {
        /* −0 keeps its sign. */
        #pragma omp simd reduction(|:beyond)
        for (int i = 0; i < n; i++) {
            REAL up = x[i] < qmin ? qmin : x[i];
            code[i] = up > qmax ? qmax : up;
            beyond |= code[i] != x[i];
        }
        const REAL *restrict r = b->r;
        if (c->zero_code == 0)
            for (int i = 0; i < n; i++) code[i] = code[i] + (REAL)0;
        else if (c->zero_code > 0)
            for (int i = 0; i < n; i++) code[i] = r[i] == 0 ? -(REAL)0 : code[i];
        return beyond;
    }
    #pragma omp simd reduction(|:beyond)
    for (int i = 0; i < n; i++) {
        REAL up = x[i] < qmin ? qmin : x[i];
        REAL clipped = up > qmax ? qmax : up;
        beyond |= clipped != x[i];
        /* + 0: the code of −0 is that of 0. */
        code[i] = clipped == clipped ? clipped + (REAL)0 : (REAL)0;
    }
    return beyond;
}

/* R' = (Q − Z) · S, or Q · S + m, and R' − R. */
static INLINE void NAME(decode)(NAME(Buffers) *restrict b, int n, const Choices *c,
                                const Inputs *in)
{
    const REAL *restrict s = b->s, *restrict z = b->z, *restrict r = b->r, *restrict code = b->code;
    REAL *restrict made = b->made, *restrict error = b->error;
    if (c->moved)
        for (int i = 0; i < n; i++) made[i] = (code[i] - z[i]) * s[i];
    else
        for (int i = 0; i < n; i++) made[i] = code[i] * s[i];
    const REAL *restrict m = b->kept_offset;
    if (in->kept_offset)
        for (int i = 0; i < n; i++) made[i] = made[i] + m[i];
    for (int i = 0; i < n; i++) error[i] = made[i] - r[i];
}

static INLINE void NAME(store)(const NAME(Buffers) *restrict b, void *codes, int64_t at, int n,
                               const Choices *c)
{
    const REAL *restrict code = b->code;
    if (c->form == BOOK) {
        uint8_t *restrict q = (uint8_t *)codes + at;
        for (int i = 0; i < n; i++) q[i] = (uint8_t)b->place[i];
        return;
    }
    if (c->form == SMALL_FLOAT) {
        uint8_t *restrict q = (uint8_t *)codes + at;
        int least = c->least, mantissa = c->mantissa, sign = c->sign;
        for (int i = 0; i < n; i++) {
            WORD bits;
            memcpy(&bits, &code[i], sizeof bits);
            int exponent = NAME(exponent)(code[i], least);
            /* What is no number is encoded by numpy. */
            REAL size_of = code[i] == code[i] ? FABS(code[i]) : 0;
            REAL steps = size_of * NAME(power_of_two)(mantissa - exponent);
            int size = ((exponent - least) << mantissa) + (int32_t)steps;
            q[i] = (uint8_t)(size | (int)(bits >> (8 * sizeof bits - 1)) << sign);
        }
        return;
    }
    switch (c->code_kind) {
    case 'b': {
        int8_t *restrict q = (int8_t *)codes + at;
        for (int i = 0; i < n; i++) q[i] = (int8_t)(int32_t)code[i];
        break;
    }
    case 'B': {
        uint8_t *restrict q = (uint8_t *)codes + at;
        for (int i = 0; i < n; i++) q[i] = (uint8_t)(int32_t)code[i];
        break;
    }
    case 'h': {
        int16_t *restrict q = (int16_t *)codes + at;
        for (int i = 0; i < n; i++) q[i] = (int16_t)(int32_t)code[i];
        break;
    }
    default: {
        uint16_t *restrict q = (uint16_t *)codes + at;
        for (int i = 0; i < n; i++) q[i] = (uint16_t)(int32_t)code[i];
    }
    }
}

/* The sums of a unit of which all is finite. */
static INLINE void NAME(sums)(const NAME(Buffers) *restrict b, int n, const Choices *c, int beyond,
                              Found *restrict f)
{
    double *restrict out = f->sums;
    const REAL *restrict r = b->r, *restrict made = b->made, *restrict error = b->error;
    double rr = 0, qq = 0, rq = 0, e = 0, size = 0, ee = 0;
    REAL most = 0;
    #pragma omp simd reduction(+:rr, qq, rq, e, size, ee)
    for (int i = 0; i < n; i++) {
        double x = (double)r[i], y = (double)made[i], d = (double)error[i];
        rr += x * x;
        qq += y * y;
        rq += x * y;
        e += d;
        size += fabs(d);
        ee += d * d;
    }
    #pragma omp simd reduction(max:most)
    for (int i = 0; i < n; i++) {
        REAL a = FABS(error[i]);
        most = a > most ? a : most;
    }
    out[RR] = rr; out[QQ] = qq; out[RQ] = rq; out[E] = e; out[SIZE] = size; out[ROUNDED] = ee;
    f->largest = (double)most;
    f->counts[USABLE] = n;
    if (beyond) {
        const REAL *restrict x = b->number;
        REAL qmin = b->qmin, qmax = b->qmax;
        double cut = 0, kept = 0;
        int low = 0, high = 0;
        #pragma omp simd reduction(+:cut, kept, low, high)
        for (int i = 0; i < n; i++) {
            double d = (double)error[i], square = d * d;
            int is_low = x[i] < qmin, is_high = x[i] > qmax;
            low += is_low;
            high += is_high;
            cut += is_low | is_high ? square : 0;
            kept += is_low | is_high ? 0 : square;
        }
        out[ROUNDED] = kept; out[CLIPPED] = cut;
        f->counts[LOW] = low; f->counts[HIGH] = high;
    }
    if (c->steps) {
        f->counts[STEPPED] = n;
        double steps = 0;
        const REAL *restrict s = b->s;
        #pragma omp simd reduction(+:steps)
        for (int i = 0; i < n; i++) {
            double share = (double)error[i] / (double)s[i];
            steps += share * share;
        }
        out[STEPS] = steps;
    }
}

/* Whether all of R and of the error is finite. */
static INLINE int NAME(all_finite)(const REAL *restrict x, const REAL *restrict y, int n)
{
    int odd = 0;
    #pragma omp simd reduction(|:odd)
    for (int i = 0; i < n; i++) odd |= !(FABS(x[i]) <= LARGEST) | !(FABS(y[i]) <= LARGEST);
    return !odd;
}

/* Whether a square may overflow or underflow float64; never those of float32 numbers. */
static INLINE int NAME(far)(const NAME(Buffers) *restrict b, int n)
{
    if (sizeof(REAL) == sizeof(float)) return 0;
    const REAL *restrict r = b->r, *restrict made = b->made, *restrict error = b->error;
    int far = 0;
    #pragma omp simd reduction(|:far)
    for (int i = 0; i < n; i++) {
        double x = fabs((double)r[i]), y = fabs((double)made[i]), d = fabs((double)error[i]);
        far |= (x > 1e140) | (y > 1e140) | (d > 1e140);
        far |= ((x < 1e-140) & (x > 0)) | ((y < 1e-140) & (y > 0)) | ((d < 1e-140) & (d > 0));
    }
    return far;
}

/* The same sums one by one, where something is clipped or is no finite number. */
static void NAME(odd_sums)(const NAME(Buffers) *b, int n, const Choices *c, Found *f)
{
    double *out = f->sums;
    double most = -1;
    for (int i = 0; i < n; i++) {
        double x = (double)b->r[i], y = (double)b->made[i], d = (double)b->error[i];
        int side = b->side[i];
        f->counts[LOW] += side < 0;
        f->counts[HIGH] += side > 0;
        if (isnan(x)) f->counts[NOT_A_NUMBER]++;
        else if (isnan(y)) f->counts[LOST]++;
        if (isinf(x)) f->counts[INFINITE]++;
        if (isinf(y)) f->counts[OVERFLOWED]++;
        if (!isfinite(x) || !isfinite(d)) continue;
        f->counts[USABLE]++;
        out[RR] += x * x;
        out[QQ] += y * y;
        out[RQ] += x * y;
        out[E] += d;
        out[SIZE] += fabs(d);
        out[side ? CLIPPED : ROUNDED] += d * d;
        most = fabs(d) > most ? fabs(d) : most;
        if (c->steps) {
            double share = d / (double)b->s[i];
            if (isfinite(share)) {
                f->counts[STEPPED]++;
                out[STEPS] += share * share;
            }
        }
    }
    f->largest = most < 0 ? NAN : most;
}

/* The largest error of rounding per value, as ``Quantizer.bound`` has it: (reach · gap) · |S|, and
   where values are divided by d what that makes, |R − m| · |S/d − 1|, and what m is moved by. */
static INLINE void NAME(bounds)(NAME(Buffers) *restrict b, int n, const Choices *c,
                                const Inputs *in)
{
    double *restrict out = b->bound;
    const REAL *restrict r = b->r, *restrict d = in->divisor ? b->divisor : b->s;
    const REAL *levels = in->levels;
    int last = (int)in->level_count - 1, least = c->least, mantissa = c->mantissa;
    for (int i = 0; i < n; i++) {
        double gap = 1, value = (double)r[i] - (in->low ? b->low[i] : 0);
        REAL x = r[i];
        if (c->form != INTEGER) x = x / d[i];
        if (c->form == SMALL_FLOAT) {
            gap = (double)NAME(power_of_two)(NAME(exponent)(x, least) - mantissa);
        } else if (c->form == BOOK) {
            int place = b->place[i];
            place -= !(x > levels[place]);
            place = place < 0 ? 0 : place > last - 1 ? last - 1 : place;
            gap = (double)(REAL)((double)levels[place + 1] - (double)levels[place]);
        }
        double bound = c->reach * gap * out[i];
        if (in->ratio) bound = bound + fabs(value) * b->ratio[i];
        if (in->moved) bound = bound + b->moved[i];
        out[i] = FABS(x) <= LARGEST && FABS(r[i]) <= LARGEST ? bound : NAN;
    }
}

/* Least and most of a stretch, of the finite values. */
static INLINE void NAME(ends)(const REAL *restrict x, int n, int finite, REAL *low, REAL *high)
{
    if (finite) {
        REAL a = x[0], b = x[0];
        #pragma omp simd reduction(min:a) reduction(max:b)
        for (int i = 0; i < n; i++) {
            a = x[i] < a ? x[i] : a;
            b = x[i] > b ? x[i] : b;
        }
        *low = a; *high = b;
        return;
    }
    *low = *high = (REAL)NAN;
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        if (!(*low <= x[i])) *low = x[i];
        if (!(*high >= x[i])) *high = x[i];
    }
}

static void NAME(draw)(const NAME(Buffers) *b, int64_t unit, int n, int finite, const Inputs *in,
                       const Outputs *o)
{
    int stretch = (int)in->stretch;
    for (int first = 0; first < n; first += stretch) {
        int count = n - first < stretch ? n - first : stretch;
        int64_t at = unit * (in->unit / stretch) + first / stretch;
        NAME(ends)(b->error + first, count, finite,
                   (REAL *)o->error_low + at, (REAL *)o->error_high + at);
        if (o->bound_low) {
            double low = b->bound[first], high = low;
            int odd = !isfinite(low);
            #pragma omp simd reduction(min:low) reduction(max:high) reduction(|:odd)
            for (int i = first; i < first + count; i++) {
                odd |= !(fabs(b->bound[i]) <= DBL_MAX);
                low = b->bound[i] < low ? b->bound[i] : low;
                high = b->bound[i] > high ? b->bound[i] : high;
            }
            if (odd) low = high = NAN;
            for (int i = first; odd && i < first + count; i++) {
                if (!isfinite(b->bound[i])) continue;
                if (!(low <= b->bound[i])) low = b->bound[i];
                if (!(high >= b->bound[i])) high = b->bound[i];
            }
            o->bound_low[at] = low;
            o->bound_high[at] = high;
        }
        if (o->made_low)
            NAME(ends)(b->made + first, count, finite,
                       (REAL *)o->made_low + at, (REAL *)o->made_high + at);
    }
}

static void NAME(worst_clipped)(const NAME(Buffers) *b, int n, int64_t start, int64_t unit,
                                const Outputs *o)
{
    double most[2] = {-1, -1};
    int64_t *place[2] = {o->clipped_low + unit, o->clipped_high + unit};
    for (int i = 0; i < n; i++) {
        /* Most values are not clipped: pass over eight at a time. */
        uint64_t eight;
        while (i + 8 <= n && (memcpy(&eight, b->side + i, 8), !eight)) i += 8;
        if (i == n) break;
        if (!b->side[i]) continue;
        int up = b->side[i] > 0;
        double size = fabs((double)b->error[i]);
        if (isnan(size)) size = 0;
        if (size > most[up]) {
            most[up] = size;
            *place[up] = start + i;
        }
    }
}

/* Evaluate a block of values. */
static INLINE void NAME(block)(const Choices *c, const Inputs *in, const Outputs *o)
{
    NAME(Buffers) buffers, *b = &buffers;
    uint32_t tally[4][256];
    const REAL *s = in->scale, *z = in->zero_point;
    /* Others that values may have, and where they are spread. */
    const REAL *others[3] = {in->divisor, in->offset, in->kept_offset};
    REAL *spread[3] = {b->divisor, b->offset, b->kept_offset};
    const double *wide[4] = {in->bound, in->ratio, in->low, in->moved};
    double *spread_wide[4] = {b->bound, b->ratio, b->low, b->moved};
    b->qmin = (REAL)c->qmin;
    b->qmax = (REAL)c->qmax;
    memset(tally, 0, sizeof tally);
    if (in->count == 1)
        for (int i = 0; i < UNIT; i++) {
            b->s[i] = s[0];
            b->z[i] = z[0];
            for (int k = 0; k < 4; k++) spread_wide[k][i] = wide[k] ? wide[k][0] : 0;
            for (int k = 0; k < 3; k++) spread[k][i] = others[k] ? others[k][0] : 0;
        }
    for (int64_t unit = 0; unit * in->unit < in->size; unit++) {
        int64_t start = unit * in->unit;
        int n = in->size - start < in->unit ? (int)(in->size - start) : (int)in->unit;
        Found f;
        memset(&f, 0, sizeof f);
        NAME(load)(b->r, in->values, in->kind, start, n);
        if (in->count > 1 && in->inner == 1) {
            int64_t channel = (in->first + start) % in->count;
            for (int i = 0; i < n;) {
                int some = in->count - channel < n - i ? (int)(in->count - channel) : n - i;
                memcpy(b->s + i, s + channel, sizeof *s * (size_t)some);
                memcpy(b->z + i, z + channel, sizeof *z * (size_t)some);
                for (int k = 0; k < 3; k++)
                    if (others[k])
                        memcpy(spread[k] + i, others[k] + channel, sizeof *z * (size_t)some);
                for (int k = 0; k < 4; k++)
                    if (wide[k])
                        memcpy(spread_wide[k] + i, wide[k] + channel, sizeof **wide * (size_t)some);
                i += some;
                channel = 0;
            }
        } else if (in->count > 1) {
            int64_t at = in->first + start, channel = at / in->inner % in->count;
            int64_t left = in->inner - at % in->inner;
            for (int i = 0; i < n;) {
                int stop = left < n - i ? i + (int)left : n;
                REAL one = s[channel], zero = z[channel];
                NAME(fill)(b->s + i, one, stop - i);
                NAME(fill)(b->z + i, zero, stop - i);
                for (int k = 0; k < 3; k++)
                    if (others[k]) NAME(fill)(spread[k] + i, others[k][channel], stop - i);
                for (int k = 0; k < 4; k++)
                    for (int j = i; wide[k] && j < stop; j++) spread_wide[k][j] = wide[k][channel];
                i = stop;
                left = in->inner;
                if (++channel == in->count) channel = 0;
            }
        }
        int nans = 0;
        #pragma omp simd reduction(|:nans)
        for (int i = 0; i < n; i++) nans |= b->r[i] != b->r[i];
        REAL kept[UNIT];
        if (nans) {
            memcpy(kept, b->r, sizeof kept);
            for (int i = 0; i < n; i++) if (isnan(kept[i])) b->r[i] = 0;
        }
        NAME(stages)(b, n, c, in, in->position + start);
        int beyond = NAME(clip)(b, n, c);
        NAME(decode)(b, n, c, in);
        if (nans) {
            memcpy(b->r, kept, sizeof kept);
            for (int i = 0; i < n; i++) {
                if (!isnan(kept[i])) continue;
                b->made[i] = b->error[i] = (REAL)NAN;
            }
        }
        f.counts[FAR] |= NAME(far)(b, n);
        int finite = !nans && NAME(all_finite)(b->r, b->error, n);
        NAME(store)(b, o->codes, start, n, c);
        if (nans && c->nan_code != NO_CODE)
            for (int i = 0; i < n; i++) {
                if (!isnan(kept[i])) continue;
                if (c->code_kind == 'b' || c->code_kind == 'B')
                    ((uint8_t *)o->codes)[start + i] = (uint8_t)c->nan_code;
                else
                    ((uint16_t *)o->codes)[start + i] = (uint16_t)c->nan_code;
            }
        if (beyond && c->form == SMALL_FLOAT)
            /* What is no number has a code of its own, which numpy knows. */
            for (int i = 0; i < n; i++) f.counts[FAR] |= isnan(b->number[i]);
        if (beyond && c->reciprocal == MULTIPLIED)
            /* What is no finite number is cast as packages do, by numpy. */
            for (int i = 0; i < n; i++) f.counts[FAR] |= !isfinite(b->number[i]);
        int sided = !finite || (beyond && (o->clipped_low || o->side));
        if (finite) NAME(sums)(b, n, c, beyond, &f);
        if (finite && c->steps && !isfinite(f.sums[STEPS])) {
            memset(f.sums, 0, sizeof f.sums);
            int64_t far = f.counts[FAR];
            memset(f.counts, 0, sizeof f.counts);
            f.counts[FAR] = far;
            finite = 0;
            sided = 1;
        }
        if (sided)
            for (int i = 0; i < n; i++)
                b->side[i] = (signed char)((b->number[i] > b->qmax) - (b->number[i] < b->qmin));
        if (sided && nans)
            for (int i = 0; i < n; i++)
                if (isnan(b->r[i])) b->side[i] = 0;
        if (!finite) NAME(odd_sums)(b, n, c, &f);
        if (sided && o->clipped_low) NAME(worst_clipped)(b, n, start, unit, o);
        for (int kind = 0; kind < KINDS; kind++) o->sums[kind * o->units + unit] = f.sums[kind];
        for (int kind = 0; kind < COUNTS; kind++) o->counts[kind] += f.counts[kind];
        ((REAL *)o->largest)[unit] = (REAL)f.largest;
        if (o->made) {
            memcpy((REAL *)o->made + start, b->made, sizeof *b->made * (size_t)n);
            memcpy((REAL *)o->error + start, b->error, sizeof *b->error * (size_t)n);
            if (sided) memcpy(o->side + start, b->side, (size_t)n);
            else memset(o->side + start, 0, (size_t)n);
        }
        if (o->bound_low && c->by_value) {
            if (in->count == 1)
                for (int i = 0; i < n; i++) b->bound[i] = in->bound[0];
            NAME(bounds)(b, n, c, in);
        }
        if (o->error_low) NAME(draw)(b, unit, n, finite, in, o);
        if (o->tally) {
            const uint8_t *q = (const uint8_t *)o->codes + start;
            int i = 0;
            if (!nans)
                for (; i + 4 <= n; i += 4) {
                    tally[0][q[i]]++; tally[1][q[i + 1]]++;
                    tally[2][q[i + 2]]++; tally[3][q[i + 3]]++;
                }
            for (; i < n; i++) if (!isnan(b->r[i])) tally[0][q[i]]++;
        }
    }
    if (o->tally)
        for (int code = 0; code < 256; code++)
            o->tally[code] += (int64_t)tally[0][code] + tally[1][code] + tally[2][code] + tally[3][code];
}
