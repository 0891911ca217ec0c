/* Searches: what a range costs, without codes. Included by _loops.c, whose buffers it takes. */

WIDE static void rows_of_float(const Choices *c, const Rows *in, double *clipped, double *rounded)
{
    rows_float(c, in, clipped, rounded);
}

WIDE static void rows_of_double(const Choices *c, const Rows *in, double *clipped, double *rounded)
{
    rows_double(c, in, clipped, rounded);
}

WIDE static int runs_of_float(const void *x, int kind, int64_t lines, int64_t line, int64_t run,
                              float *low, float *high, float *peak)
{
    return runs_float(x, kind, lines, line, run, low, high, peak);
}

WIDE static int runs_of_double(const void *x, int kind, int64_t lines, int64_t line, int64_t run,
                               double *low, double *high, double *peak)
{
    return runs_double(x, kind, lines, line, run, low, high, peak);
}

WIDE static int64_t picked_of_float(const float *x, int64_t n, int magnitude, unsigned first,
                                    unsigned last, float *out, int64_t room)
{
    return picked_float(x, n, magnitude, first, last, out, room);
}

WIDE static int64_t picked_of_double(const double *x, int64_t n, int magnitude, unsigned first,
                                     unsigned last, double *out, int64_t room)
{
    return picked_double(x, n, magnitude, first, last, out, room);
}

WIDE static void bins_of_float(const float *x, int64_t n, float reach, int32_t bins, int64_t *counts)
{
    bins_float(x, n, reach, bins, counts);
}

WIDE static void bins_of_double(const double *x, int64_t n, double reach, int32_t bins,
                                int64_t *counts)
{
    bins_double(x, n, reach, bins, counts);
}

WIDE static void histogram_of_float(const float *x, int64_t n, float low, float factor, double near,
                                    const double *edges, int32_t bins, int64_t *counts)
{
    histogram_float(x, n, low, factor, near, edges, bins, counts);
}

WIDE static void histogram_of_double(const double *x, int64_t n, double low, double factor,
                                     double near, const double *edges, int32_t bins,
                                     int64_t *counts)
{
    histogram_double(x, n, low, factor, near, edges, bins, counts);
}

static int known_choices(const Choices *c)
{
    if (c->rounding < TIES_EVEN || c->rounding > TOWARD_ZERO || c->qmin < -32768 ||
        c->qmax > 65535 || !(c->qmin < c->qmax)) {
        PyErr_SetString(PyExc_ValueError, "a choice or a code range is out of bounds");
        return 0;
    }
    return 1;
}

WIDE static void search_of_float(const float *r, int64_t rows, int64_t n, const Choices *c,
                                 const Family *f, const Plan *plan, float *low, float *high)
{
    search_rows_float(r, rows, n, c, f, plan, low, high);
}

static PyObject *costs(PyObject *module, PyObject *args)
{
    (void)module;
    Choices c;
    Rows in;
    PyObject *values, *weights, *scale, *zero_point, *clipped, *rounded;
    int wide;
    long long rows, length, sets;
    memset(&c, 0, sizeof c);
    memset(&in, 0, sizeof in);
    if (!PyArg_ParseTuple(args, "(iiiidd)piLLLOOOOOO:costs", &c.rounding, &c.shift, &c.fused,
                          &c.reciprocal, &c.qmin, &c.qmax, &wide, &in.exponent, &rows, &length,
                          &sets, &values, &weights, &scale, &zero_point, &clipped, &rounded))
        return NULL;
    if (!known_choices(&c)) return NULL;
    if (rows < 1 || length < 1 || sets < 1 || rows > MOST_VALUES || length > MOST_VALUES / rows ||
        sets > MOST_VALUES) {
        PyErr_SetString(PyExc_ValueError, "a size is out of bounds");
        return NULL;
    }
    int64_t item = wide ? 8 : 4;
    Held held;
    held.held = held.failed = 0;
    in.rows = rows;
    in.length = length;
    in.sets = sets;
    in.values = take(&held, values, 0, rows * length * item, "values");
    in.weights = take(&held, weights, 0, rows * length * 8, "weights");
    in.scale = take(&held, scale, 0, sets * item, "scale");
    in.zero_point = take(&held, zero_point, 0, sets * 8, "zero_point");
    double *low = take(&held, clipped, 1, sets * 8, "clipped");
    double *high = take(&held, rounded, 1, sets * 8, "rounded");
    if (!held.failed && !(in.values && in.scale && in.zero_point && low && high)) {
        PyErr_SetString(PyExc_ValueError, "arrays are missing");
        held.failed = 1;
    }
    if (!held.failed) {
        Py_BEGIN_ALLOW_THREADS
        if (wide) rows_of_double(&c, &in, low, high);
        else rows_of_float(&c, &in, low, high);
        Py_END_ALLOW_THREADS
    }
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    if (held.failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *extremes(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *least, *most, *first;
    int kind, others = 0;
    long long lines, line, run;
    if (!PyArg_ParseTuple(args, "CLLLOOOO:extremes", &kind, &lines, &line, &run, &values, &least,
                          &most, &first))
        return NULL;
    int64_t stored = item_of(kind);
    if (!stored || lines < 1 || line < 1 || run < 1 || line > MOST_VALUES ||
        lines > MOST_VALUES / line) {
        PyErr_SetString(PyExc_ValueError, "a kind or a size is out of bounds");
        return NULL;
    }
    int64_t item = stored == 8 ? 8 : 4, runs = lines * ((line - 1) / run + 1);
    Held held;
    held.held = held.failed = 0;
    void *x = take(&held, values, 0, lines * line * stored, "values");
    void *low = take(&held, least, 1, runs * item, "least");
    void *high = take(&held, most, 1, runs * item, "most");
    void *peak = take(&held, first, 1, runs * item, "peak");
    if (!held.failed && !(x && low && high)) {
        PyErr_SetString(PyExc_ValueError, "arrays are missing");
        held.failed = 1;
    }
    if (!held.failed) {
        Py_BEGIN_ALLOW_THREADS
        others = kind == DOUBLE ? runs_of_double(x, kind, lines, line, run, low, high, peak)
                                : runs_of_float(x, kind, lines, line, run, low, high, peak);
        Py_END_ALLOW_THREADS
    }
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    return held.failed ? NULL : PyBool_FromLong(!others);
}

enum { KEYS = 1 << 16 };

/* Take the values and one array to be written; whether both are there and as long as said. */
static int taken(Held *held, int wide, int64_t n, PyObject *values, PyObject *out, int64_t bytes,
                 void **from, void **to)
{
    held->held = held->failed = 0;
    if (n < 1 || n > MOST_VALUES) {
        PyErr_SetString(PyExc_ValueError, "a size is out of bounds");
        return 0;
    }
    *from = take(held, values, 0, n * (wide ? 8 : 4), "values");
    *to = take(held, out, 1, bytes, "output");
    if (!held->failed && !(*from && *to)) PyErr_SetString(PyExc_ValueError, "arrays are missing");
    if (*from && *to) return 1;
    while (held->held) PyBuffer_Release(&held->views[--held->held]);
    return 0;
}

static PyObject *keys(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *counts;
    int wide, magnitude;
    long long n;
    Held held;
    void *x, *out;
    if (!PyArg_ParseTuple(args, "ppLOO:keys", &wide, &magnitude, &n, &values, &counts)) return NULL;
    if (!taken(&held, wide, n, values, counts, (int64_t)KEYS * 8, &x, &out)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (wide) keys_double(x, n, magnitude, out);
    else keys_float(x, n, magnitude, out);
    Py_END_ALLOW_THREADS
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    Py_RETURN_NONE;
}

static PyObject *picked(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *output;
    int wide, magnitude;
    long long n, room;
    unsigned first, last;
    int64_t found;
    Held held;
    void *x, *out;
    if (!PyArg_ParseTuple(args, "ppLIILOO:picked", &wide, &magnitude, &n, &first, &last, &room,
                          &values, &output))
        return NULL;
    if (room < 1 || room > MOST_VALUES) {
        PyErr_SetString(PyExc_ValueError, "a size is out of bounds");
        return NULL;
    }
    if (!taken(&held, wide, n, values, output, room * (wide ? 8 : 4), &x, &out)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    found = wide ? picked_of_double(x, n, magnitude, first, last, out, room)
                 : picked_of_float(x, n, magnitude, first, last, out, room);
    Py_END_ALLOW_THREADS
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    return PyLong_FromLongLong(found);
}

static PyObject *histogram(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *edges, *counts;
    int wide, number;
    long long n;
    double low, factor, near;
    Held held;
    void *x, *out;
    if (!PyArg_ParseTuple(args, "pLdddiOOO:histogram", &wide, &n, &low, &factor, &near, &number,
                          &values, &edges, &counts))
        return NULL;
    if (number < 1 || number > 1 << 20) {
        PyErr_SetString(PyExc_ValueError, "a number of bins is out of bounds");
        return NULL;
    }
    if (!taken(&held, wide, n, values, counts, (int64_t)number * 32, &x, &out)) return NULL;
    const double *ends = take(&held, edges, 0, ((int64_t)number + 1) * 8, "edges");
    if (ends) {
        Py_BEGIN_ALLOW_THREADS
        if (wide) histogram_of_double(x, n, low, factor, near, ends, number, out);
        else histogram_of_float(x, n, (float)low, (float)factor, near, ends, number, out);
        Py_END_ALLOW_THREADS
    }
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    if (!ends) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "arrays are missing");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *bins(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *counts;
    int wide, number;
    long long n;
    double reach;
    Held held;
    void *x, *out;
    if (!PyArg_ParseTuple(args, "pLdiOO:bins", &wide, &n, &reach, &number, &values, &counts))
        return NULL;
    if (number < 1 || number > 1 << 24) {
        PyErr_SetString(PyExc_ValueError, "a number of bins is out of bounds");
        return NULL;
    }
    if (!taken(&held, wide, n, values, counts, (int64_t)number * 32, &x, &out)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (wide) bins_of_double(x, n, reach, number, out);
    else bins_of_float(x, n, (float)reach, number, out);
    Py_END_ALLOW_THREADS
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    Py_RETURN_NONE;
}

/* The range of least cost per row of float32 values, by the textbook's parameters. */
static PyObject *search(PyObject *module, PyObject *args)
{
    (void)module;
    Choices c;
    Family f;
    Plan plan;
    PyObject *values, *low, *high, *shrink, *factors, *spread, *moves;
    long long rows, length, counts[4];
    memset(&c, 0, sizeof c);
    if (!PyArg_ParseTuple(args, "(iiiidd)ppLLLLLLOOOOOOO:search", &c.rounding, &c.shift, &c.fused,
                          &c.reciprocal, &c.qmin, &c.qmax, &f.symmetric, &f.zero_point, &rows,
                          &length, &counts[0], &counts[1], &counts[2], &counts[3], &shrink,
                          &factors, &spread, &moves, &values, &low, &high))
        return NULL;
    if (!known_choices(&c)) return NULL;
    int fits = rows >= 1 && length >= 1 && rows <= MOST_VALUES && length <= MOST_VALUES / rows;
    for (int i = 0; i < 4; i++) fits = fits && counts[i] >= 1 && counts[i] <= 1 << 20;
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "a size is out of bounds");
        return NULL;
    }
    Held held;
    held.held = held.failed = 0;
    plan.shrink_count = counts[0];
    plan.factor_count = counts[1];
    plan.spread_count = counts[2];
    plan.move_count = counts[3];
    plan.shrink = take(&held, shrink, 0, counts[0] * 8, "shrink");
    plan.factors = take(&held, factors, 0, counts[1] * 8, "factors");
    plan.spread = take(&held, spread, 0, counts[2] * 8, "spread");
    plan.moves = take(&held, moves, 0, counts[3] * 8, "moves");
    const float *r = take(&held, values, 0, rows * length * 4, "values");
    float *least = take(&held, low, 1, rows * 4, "low");
    float *most = take(&held, high, 1, rows * 4, "high");
    int ready = plan.shrink && plan.factors && plan.spread && plan.moves && r && least && most;
    if (!held.failed && !ready) {
        PyErr_SetString(PyExc_ValueError, "arrays are missing");
        held.failed = 1;
    }
    if (!held.failed) {
        Py_BEGIN_ALLOW_THREADS
        search_of_float(r, rows, length, &c, &f, &plan, least, most);
        Py_END_ALLOW_THREADS
    }
    while (held.held) PyBuffer_Release(&held.views[--held.held]);
    if (held.failed) return NULL;
    Py_RETURN_NONE;
}
