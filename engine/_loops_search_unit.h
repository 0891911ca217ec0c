/* Σ(R' − R)² of a row of values with one set of parameters, in the working precision REAL, in the
   order in which numpy adds a row, so that searches find the very ranges that they find there.

   Included once per precision, after _loops_unit.h, with the same names defined. */

/* The stages that most schemes have, in one loop: numbers before Clip, R', and whether any clips. */
static INLINE int NAME(usual)(const REAL *restrict r, int n, const Choices *c, REAL by, REAL s, REAL z,
                              int reciprocal, int shift, REAL *restrict x, REAL *restrict made)
{
    REAL qmin = (REAL)c->qmin, qmax = (REAL)c->qmax;
    int32_t odd[FEW] = {0};
    for (int j = 0; j < n; j += FEW)
    #pragma omp simd
    for (int k = 0; k < FEW; k++) {
        int i = j + k;
        REAL number = reciprocal ? r[i] * by : r[i] / by;
        if (shift == BEFORE) number = number + z;
        number = RINT(number);
        if (shift == AFTER) number = number + z;
        REAL up = number < qmin ? qmin : number;
        REAL clipped = up > qmax ? qmax : up;
        odd[k] |= clipped != number;
        x[i] = number;
        REAL code = clipped == clipped ? clipped + (REAL)0 : (REAL)0;
        made[i] = (code - z) * s;
    }
    uint64_t pairs[FEW / 2];
    memcpy(pairs, odd, sizeof pairs);
    for (int k = 1; k < FEW / 2; k++) pairs[0] |= pairs[k];
    return pairs[0] != 0;
}

#if defined(__GNUC__)
/* The squares of errors added at once, eight side by side: as ``eight_sums`` of arrays of them. */
static INLINE Cost NAME(squares)(const REAL *restrict r, const REAL *restrict x,
                                 const REAL *restrict made, int n, REAL qmin, REAL qmax, int beyond)
{
    typedef REAL Reals __attribute__((vector_size(8 * sizeof(REAL))));
    typedef double Eight __attribute__((vector_size(64)));
    typedef int64_t Mask __attribute__((vector_size(64)));
    Eight kept = {0}, cut = {0};
    double power, sums[8];
    Cost cost;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        Reals a, b, number;
        memcpy(&a, made + i, sizeof a);
        memcpy(&b, r + i, sizeof b);
        Eight error = __builtin_convertvector(a, Eight) - __builtin_convertvector(b, Eight);
        Eight square = error * error;
        if (beyond) {
            memcpy(&number, x + i, sizeof number);
            Mask outside = __builtin_convertvector((number < qmin) | (number > qmax), Mask);
            cut += (Eight)((Mask)square & outside);
            kept += (Eight)((Mask)square & ~outside);
        } else {
            kept += square;
        }
    }
    memcpy(sums, &kept, sizeof sums);
    cost.rounded = of_eight(sums);
    memcpy(sums, &cut, sizeof sums);
    cost.clipped = of_eight(sums);
    for (; i < n; i++) {
        power = (double)made[i] - (double)r[i];
        power *= power;
        if (x[i] < qmin || x[i] > qmax) cost.clipped += power;
        else cost.rounded += power;
    }
    return cost;
}
#endif

/* The cost of at most 128 values; whether others follow them, so that whole vectors can be read. */
static INLINE Cost NAME(leaf)(const REAL *restrict values, const double *restrict weight, int n,
                              int followed, const Choices *c, REAL s, REAL z, double far_z, int exponent)
{
    /* All that is whole vectors: what lies beyond the values is not added. */
    REAL copy[LEAF], x[LEAF], made[LEAF];
    const REAL *restrict r = values;
    double power[LEAF], cut[LEAF];
    REAL qmin = (REAL)c->qmin, qmax = (REAL)c->qmax, inverse = (REAL)1 / s;
    int beyond = 0;
    if (n % FEW && !followed) {
        memset(copy + n / FEW * FEW, 0, sizeof(REAL) * FEW);
        memcpy(copy, values, sizeof *copy * (size_t)n);
        r = copy;
    }
    if (c->rounding == TIES_EVEN && !c->fused && fabs(far_z) < 1048576.0) {
        int shift = c->shift;
        if (c->reciprocal)
            beyond = shift == BEFORE  ? NAME(usual)(r, n, c, inverse, s, z, 1, BEFORE, x, made)
                     : shift == AFTER ? NAME(usual)(r, n, c, inverse, s, z, 1, AFTER, x, made)
                                      : NAME(usual)(r, n, c, inverse, s, z, 1, NO_SHIFT, x, made);
        else
            beyond = shift == BEFORE  ? NAME(usual)(r, n, c, s, s, z, 0, BEFORE, x, made)
                     : shift == AFTER ? NAME(usual)(r, n, c, s, s, z, 0, AFTER, x, made)
                                      : NAME(usual)(r, n, c, s, s, z, 0, NO_SHIFT, x, made);
    } else {
        int whole = (n + FEW - 1) / FEW * FEW;
        if (c->fused) {
            for (int i = 0; i < whole; i++) x[i] = FMA(r[i], inverse, z);
        } else if (c->reciprocal) {
            for (int i = 0; i < whole; i++) x[i] = r[i] * inverse;
        } else {
        int whole = (n + FEW - 1) / FEW * FEW;
            for (int i = 0; i < whole; i++) x[i] = r[i] / s;
        }
        if (c->shift == BEFORE && !c->fused)
            for (int i = 0; i < whole; i++) x[i] = x[i] + z;
        NAME(round)(x, whole, c, 0);
        if (c->shift == AFTER)
            for (int i = 0; i < whole; i++) x[i] = x[i] + z;
        #pragma omp simd reduction(|:beyond)
        for (int i = 0; i < whole; i++) {
            REAL up = x[i] < qmin ? qmin : x[i];
            REAL clipped = up > qmax ? qmax : up;
            beyond |= clipped != x[i];
            made[i] = clipped == clipped ? clipped + (REAL)0 : (REAL)0;
        }
        /* Q − Z is exact in the working precision for small Z; else it is taken in float64. */
        if (fabs(far_z) < 1048576.0)
            for (int i = 0; i < whole; i++) made[i] = (made[i] - z) * s;
        else
            for (int i = 0; i < whole; i++) made[i] = (REAL)((double)made[i] - far_z) * s;
    }
#if defined(__GNUC__)
    if (!weight && !exponent) return NAME(squares)(r, x, made, n, qmin, qmax, beyond);
#endif
    for (int j = 0; j < n; j += FEW)
    #pragma omp simd
    for (int i = j; i < j + FEW; i++) {
        double error = (double)made[i] - (double)r[i];
        power[i] = error * error;
    }
    if (exponent)
        for (int i = 0; i < n; i++) {
            double error = ldexp((double)made[i] - (double)r[i], -exponent);
            power[i] = error * error;
        }
    if (weight)
        for (int i = 0; i < n; i++) power[i] *= weight[i];
    Cost cost = {0, 0};
    if (beyond) {
        for (int j = 0; j < n; j += FEW)
        #pragma omp simd
        for (int i = j; i < j + FEW; i++) {
            int outside = (x[i] < qmin) | (x[i] > qmax);
            cut[i] = outside ? power[i] : 0;
            power[i] = outside ? 0 : power[i];
        }
        cost.clipped = eight_sums(cut, n);
    }
    cost.rounded = eight_sums(power, n);
    return cost;
}

/* The cost of a row, by numpy's pairwise sum: of halves, the first being a multiple of 8. No calls
   of itself, which the compiler could not make wide. Both are infinite if they exceed the limit. */
static INLINE Cost NAME(cost)(const REAL *r, const double *weight, int64_t n, const Choices *c,
                              REAL s, REAL z, double far_z, int exponent, const Limit *limit)
{
    int64_t at = 0;
    double so_far = 0;
    enum { ADD = -1, DEPTH = 128 };
    int64_t todo[DEPTH];
    Cost done[DEPTH];
    int left = 0, made = 0;
    todo[left++] = n;
    while (left) {
        int64_t size = todo[--left];
        if (size == ADD) {
            made--;
            done[made - 1].clipped += done[made].clipped;
            done[made - 1].rounded += done[made].rounded;
        } else if (size <= LEAF) {
            done[made++] = NAME(leaf)(r, weight, (int)size, n - at - size >= FEW, c, s, z, far_z, exponent);
            r += size;
            at += size;
            if (weight) weight += size;
            so_far += done[made - 1].clipped;
            if (limit->of_both) so_far += done[made - 1].rounded;
            if (so_far > limit->most) return (Cost){INFINITY, INFINITY};
        } else {
            int64_t half = size / 2;
            half -= half % 8;
            todo[left++] = ADD;
            todo[left++] = size - half;
            todo[left++] = half;
        }
    }
    return done[0];
}

/* The costs of sets of parameters, over and over again for one row after the other. */
static INLINE void NAME(rows)(const Choices *c, const Rows *in, double *clipped, double *rounded)
{
    const REAL *values = in->values, *scale = in->scale;
    for (int64_t set = 0; set < in->sets; set++) {
        int64_t row = set % in->rows;
        const double *weight = in->weights ? in->weights + row * in->length : NULL;
        Cost cost = {INFINITY, INFINITY};
        if (isfinite(scale[set])) {
            double far_z = in->zero_point[set];
            cost = NAME(cost)(values + row * in->length, weight, in->length, c, scale[set],
                              (REAL)far_z, far_z, in->exponent, &NO_LIMIT);
            if (isnan(cost.clipped)) cost.clipped = INFINITY;
            if (isnan(cost.rounded)) cost.rounded = INFINITY;
        }
        clipped[set] = cost.clipped;
        rounded[set] = cost.rounded;
    }
}

/* Values from a position on: where they lie, or in a buffer if they are of another kind. */
static INLINE const REAL *NAME(read)(REAL *restrict buffer, const void *values, int kind,
                                     int64_t start, int n)
{
    if (kind == OWN_KIND) return (const REAL *)values + start;
    NAME(load)(buffer, values, kind, start, n);
    return buffer;
}

/* Least, most, and the first value of the largest magnitude, of the finite values per run; NaN where
   there is none. Lines have ``line`` values, and runs ``run`` of these, the last of a line fewer. */
static INLINE int NAME(runs)(const void *x, int kind, int64_t lines, int64_t line, int64_t run,
                             REAL *restrict least, REAL *restrict most, REAL *restrict peak)
{
    int others = 0;
    REAL buffer[UNIT];
    for (int64_t i = 0, at = 0; i < lines; i++)
        for (int64_t start = 0; start < line; start += run, at++) {
            int64_t first = i * line + start, n = line - start < run ? line - start : run, size;
            REAL low = (REAL)INFINITY, high = -(REAL)INFINITY;
            for (int64_t done = 0; done < n; done += size) {
                size = n - done < UNIT ? n - done : UNIT;
                const REAL *restrict r = NAME(read)(buffer, x, kind, first + done, (int)size);
                int odd = 0;
                #pragma omp simd reduction(min:low) reduction(max:high) reduction(|:odd)
                for (int k = 0; k < (int)size; k++) {
                    int finite = FABS(r[k]) <= LARGEST;
                    REAL a = finite ? r[k] : (REAL)INFINITY, b = finite ? r[k] : -(REAL)INFINITY;
                    low = a < low ? a : low;
                    high = b > high ? b : high;
                    odd |= !finite;
                }
                others |= odd;
            }
            if (low > high) low = high = (REAL)NAN;
            least[at] = low;
            most[at] = high;
            if (!peak) continue;
            peak[at] = high > -low ? high : low;
            /* If both are as far from 0, the first. */
            for (int64_t k = 0; high == -low && k < n; k++) {
                REAL value = *NAME(read)(buffer, x, kind, first + k, 1);
                if (FABS(value) != high) continue;
                peak[at] = value;
                break;
            }
        }
    return others;
}

/* A number of 16 bits that grows with the value, or with |R|: its sign, exponent and first digits. */
static INLINE unsigned NAME(key)(REAL x, int magnitude)
{
    if (magnitude) x = FABS(x);
    WORD bits;
    memcpy(&bits, &x, sizeof bits);
    unsigned top = (unsigned)(bits >> (8 * sizeof bits - 16));
    return top & 0x8000u ? top ^ 0xFFFFu : top | 0x8000u;
}

static INLINE void NAME(keys)(const REAL *x, int64_t n, int magnitude, int64_t *counts)
{
    for (int64_t i = 0; i < n; i++) counts[NAME(key)(x[i], magnitude)]++;
}

/* The least or the largest value of a key; an infinity where the key has numbers that are none. */
static INLINE REAL NAME(bound)(unsigned key, int largest)
{
    unsigned top = key & 0x8000u ? key ^ 0x8000u : key ^ 0xFFFFu;
    int negative = !(key & 0x8000u), shift = 8 * (int)sizeof(WORD) - 16;
    WORD bits = (WORD)top << shift, rest = ((WORD)1 << shift) - 1;
    if (negative != largest) bits |= rest;
    REAL value;
    memcpy(&value, &bits, sizeof value);
    return isnan(value) ? (largest ? (REAL)INFINITY : -(REAL)INFINITY) : value;
}

/* Values whose key lies between two, in their order; as many as ``room`` at most. */
static INLINE int64_t NAME(picked)(const REAL *restrict x, int64_t n, int magnitude, unsigned first,
                                   unsigned last, REAL *restrict out, int64_t room)
{
    int64_t found = 0;
    REAL low = NAME(bound)(first, 0), high = NAME(bound)(last, 1);
    for (int64_t start = 0; start < n; start += FEW) {
        int size = n - start < FEW ? (int)(n - start) : FEW;
        /* Most values are passed over, a few at a time. */
        if (size == FEW) {
            int any = 0;
            #pragma omp simd reduction(|:any)
            for (int i = 0; i < FEW; i++) {
                REAL value = magnitude ? FABS(x[start + i]) : x[start + i];
                any |= (value >= low) & (value <= high);
            }
            if (!any) continue;
        }
        for (int i = 0; i < size; i++) {
            unsigned key = NAME(key)(x[start + i], magnitude);
            if (key < first || key > last) continue;
            if (found == room) return found;
            out[found++] = magnitude ? FABS(x[start + i]) : x[start + i];
        }
    }
    return found;
}

/* Counts of |R| / reach · bins, each in four tables side by side, or equal bins wait for each other. */
static INLINE void NAME(bins)(const REAL *restrict x, int64_t n, REAL reach, int32_t bins,
                              int64_t *counts)
{
    int32_t place[LEAF];
    REAL width = (REAL)bins, last = (REAL)(bins - 1);
    for (int64_t start = 0; start < n; start += LEAF) {
        int size = n - start < LEAF ? (int)(n - start) : LEAF;
        for (int i = 0; i < size; i++) {
            REAL at = FABS(x[start + i]) / reach * width;
            at = at < last ? at : last;
            place[i] = (int32_t)(at > 0 ? at : 0);
        }
        for (int i = 0; i < size; i++) counts[(int64_t)(i & 3) * bins + place[i]]++;
    }
}

/* Counts of values in even bins from ``low`` on, in tables as before: their place in bins, but near
   an edge what the edges say. */
static INLINE void NAME(histogram)(const REAL *restrict x, int64_t n, REAL low, REAL factor,
                                   double near, const double *edges, int32_t bins, int64_t *counts)
{
    REAL at[LEAF], off[LEAF];
    REAL end = (REAL)bins;
    for (int64_t start = 0; start < n; start += LEAF) {
        int size = n - start < LEAF ? (int)(n - start) : LEAF, close = 0;
        const REAL *restrict r = x + start;
        for (int i = 0; i < size; i++) {
            REAL place = (r[i] - low) * factor;
            place = place < end ? place : end;
            at[i] = place > 0 ? place : 0;
            off[i] = FABS(at[i] - RINT(at[i]));
            close |= off[i] < (REAL)near;
        }
        for (int i = 0; close && i < size; i++) {
            if (!(off[i] < (REAL)near)) continue;
            REAL edge = RINT(at[i]);
            at[i] = (double)r[i] < edges[(int32_t)edge] ? edge - 1 : edge;
            at[i] = at[i] > 0 ? at[i] : 0;
        }
        for (int i = 0; i < size; i++) {
            int32_t place = (int32_t)at[i];
            counts[(int64_t)(i & 3) * bins + (place < bins ? place : bins - 1)]++;
        }
    }
}

/* The textbook's S and Z of a range, as ``Affine.parameters`` makes them, and what it costs. */
static INLINE Cost NAME(cost_of)(const REAL *r, int64_t n, const Choices *c, const Family *f, REAL low,
                                 REAL high, const Limit *limit)
{
    double s, z = 0, steps = c->qmax - c->qmin;
    if (f->symmetric) {
        REAL largest = FABS(high > -low ? high : low);
        s = (double)largest / c->qmax;
    } else {
        REAL width = high - low;
        s = (isfinite(width) ? (double)width : (double)high - (double)low) / steps;
    }
    REAL working = (REAL)s;
    if (working == 0) {
        working = SMALLEST;
        s = (double)working;
    }
    if (f->zero_point) z = c->qmax - rint((double)high / s);
    return NAME(cost)(r, NULL, n, c, working, (REAL)z, z, 0, limit);
}

typedef struct {
    REAL low, high;
    double cost;
} NAME(Best);

/* Try a range: the first of equals stays. */
static INLINE Cost NAME(tried)(const REAL *r, int64_t n, const Choices *c, const Family *f, REAL low,
                               REAL high, int of_both, NAME(Best) *best)
{
    /* A little more than the least, as the parts of a sum are added in another order here. */
    Limit limit = {best->cost * (1 + 1e-9), of_both};
    Cost cost = NAME(cost_of)(r, n, c, f, low, high, &limit);
    if (cost.clipped + cost.rounded < best->cost) {
        best->low = low;
        best->high = high;
        best->cost = cost.clipped + cost.rounded;
    }
    return cost;
}

/* Try finely scaled ranges around one. */
static INLINE void NAME(scaled)(const REAL *r, int64_t n, const Choices *c, const Family *f,
                                const double *factors, int64_t count, NAME(Best) *best)
{
    REAL start_low = best->low, start_high = best->high;
    for (int64_t i = 0; i < count; i++) {
        REAL low = (REAL)((double)start_low * factors[i]);
        REAL high = (REAL)((double)start_high * factors[i]);
        if (low < high && isfinite(low) && isfinite(high))
            NAME(tried)(r, n, c, f, low, high, 1, best);
    }
}

/* Try ranges moved by whole steps. */
static INLINE void NAME(moved)(const REAL *r, int64_t n, const Choices *c, const Family *f,
                               const Plan *plan, NAME(Best) *best)
{
    double steps = c->qmax - c->qmin, first = best->low, last = best->high;
    double width = (last - first) / steps;
    for (int64_t i = 0; i < 2 * plan->move_count; i++) {
        double move = plan->moves[i / 2];
        if (!(move < steps)) continue;
        move = i % 2 ? move : -move;
        REAL low = (REAL)(first + move * width), high = (REAL)(last + move * width);
        if (low < high && isfinite(low) && isfinite(high))
            NAME(tried)(r, n, c, f, low, high, 1, best);
    }
}

/* Try ranges near one: each end moved separately. */
static INLINE void NAME(around)(const REAL *r, int64_t n, const Choices *c, const Family *f,
                                const Plan *plan, NAME(Best) *best)
{
    REAL start_low = best->low, start_high = best->high;
    double width = (double)start_high - (double)start_low;
    for (int64_t i = 0; i < plan->spread_count; i++) {
        REAL low = (REAL)((double)start_low + plan->spread[i] * width);
        if (!isfinite(low)) low = start_low;
        for (int64_t k = 0; k < plan->spread_count; k++) {
            REAL high = (REAL)((double)start_high + plan->spread[k] * width);
            if (!isfinite(high)) high = start_high;
            if (low < high) NAME(tried)(r, n, c, f, low, high, 1, best);
        }
    }
}

/* The range of least cost of a row, from its extremes: see ``_Search.ends``. */
static INLINE void NAME(searched)(const REAL *r, int64_t n, const Choices *c, const Family *f,
                                  const Plan *plan, REAL *least, REAL *most)
{
    REAL low = *least, high = *most, reach = FABS(low) > FABS(high) ? FABS(low) : FABS(high);
    NAME(Best) widest = {low, high, INFINITY}, found = {low, high, INFINITY};
    NAME(tried)(r, n, c, f, low, high, 1, &widest);
    for (int64_t i = 0; i < plan->shrink_count; i++) {
        REAL t = (REAL)((double)reach * plan->shrink[i]), a = -t, b = t;
        if (!(t > 0)) {
            t = reach;
            a = -t;
            b = t;
        }
        if (!f->symmetric) {
            a = low > -t ? low : -t;
            b = high < t ? high : t;
            if (!(a < b)) {
                a = -t;
                b = t;
            }
        }
        Cost cost = NAME(tried)(r, n, c, f, a, b, 0, &found);
        if (cost.clipped > found.cost) break;
    }
    if (f->symmetric) {
        NAME(scaled)(r, n, c, f, plan->factors, plan->factor_count, &found);
    } else {
        NAME(around)(r, n, c, f, plan, &found);
        NAME(Best) starts[2] = {found, widest};
        for (int i = 0; i < 2; i++) {
            NAME(Best) near = starts[i];
            for (int turn = 0; turn < 2; turn++) {
                NAME(scaled)(r, n, c, f, plan->factors, plan->factor_count, &near);
                NAME(moved)(r, n, c, f, plan, &near);
            }
            if (near.cost < found.cost) found = near;
        }
    }
    if (found.cost < widest.cost) {
        *least = found.low;
        *most = found.high;
    }
}

static INLINE void NAME(search_rows)(const REAL *r, int64_t rows, int64_t n, const Choices *c,
                                     const Family *f, const Plan *plan, REAL *low, REAL *high)
{
    for (int64_t row = 0; row < rows; row++)
        NAME(searched)(r + row * n, n, c, f, plan, low + row, high + row);
}
