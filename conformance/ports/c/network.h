/* The network: one step of gradient descent, equation by equation.
 *
 * port.c includes this twice, with `real` a double and a float; <tgmath.h> picks exp or expf by the
 * type, so that a float32 case never leaves float. j and k count neurons, i counts samples.
 */

static real NAME(sigmoid)(real z)
{
    return 1 / (1 + exp(-z)); /* exp overflows to infinity where the result is rightly 0 */
}

/* a = f(z) of one neuron; softmax is none of one neuron. */
static real NAME(activated)(enum activation f, real z)
{
    switch (f) {
    case SIGMOID: return NAME(sigmoid)(z);
    case TANH: return tanh(z);
    case RELU: return z > 0 ? z : 0;
    case LEAKY_RELU: return z > 0 ? z : (real)0.01 * z;
    default: return z; /* LINEAR */
    }
}

/* f'(z) of one neuron */
static real NAME(prime)(enum activation f, real z)
{
    switch (f) {
    case SIGMOID: return NAME(sigmoid)(z) * (1 - NAME(sigmoid)(z));
    case TANH: return 1 - tanh(z) * tanh(z);
    case RELU: return z > 0;
    case LEAKY_RELU: return z > 0 ? 1 : (real)0.01;
    default: return 1; /* LINEAR */
    }
}

/* The neurons of a sample, a column, share one sum; its largest z is taken off, so that none is
   infinite. */
static void NAME(softmax)(struct matrix z, struct matrix a)
{
    for (size_t i = 0; i < z.cols; i++) {
        real most = AT(z, 0, i), sum = 0;
        for (size_t j = 1; j < z.rows; j++)
            most = AT(z, j, i) > most ? AT(z, j, i) : most;
        for (size_t j = 0; j < z.rows; j++)
            sum += AT(a, j, i) = exp(AT(z, j, i) - most);
        for (size_t j = 0; j < z.rows; j++)
            AT(a, j, i) /= sum;
    }
}

static real NAME(x_ln_a)(real x, real a)
{
    return x == 0 ? 0 : x * log(a); /* 0 ln 0 is 0, not 0 times minus infinity */
}

static struct matrix NAME(product)(struct matrix a, struct matrix b)
{
    struct matrix made = matrix(a.rows, b.cols, sizeof(real));
    EACH(made, row, col) {
        real sum = 0;
        for (size_t k = 0; k < a.cols; k++)
            sum += AT(a, row, k) * AT(b, k, col);
        AT(made, row, col) = sum;
    }
    return made;
}

/* From x = at[1].a, the w and b of the layers 2 to L, and y: all else in `at`, and the cost. */
static struct matrix NAME(step)(const struct given *net, struct layer *at, struct matrix y)
{
    int L = net->layers;
    real m = y.cols, eta = net->eta, keep = 1 - eta * (real)net->lmbda / (real)net->n;

    for (int l = 2; l <= L; l++) {
        at[l].z = NAME(product)(at[l].w, at[l - 1].a);
        at[l].a = matrix(at[l].z.rows, at[l].z.cols, sizeof(real));
        EACH(at[l].z, j, i) {
            AT(at[l].z, j, i) += AT(at[l].b, j, 0); /* Z: w a + b */
            AT(at[l].a, j, i) = NAME(activated)(net->f[l], AT(at[l].z, j, i)); /* A */
        }
        if (net->f[l] == SOFTMAX)
            NAME(softmax)(at[l].z, at[l].a); /* A */
    }

    struct matrix cost = matrix(1, 1, sizeof(real));
    real sum = 0;
    at[L].delta = matrix(y.rows, y.cols, sizeof(real));
    EACH(y, j, i) {
        real a = AT(at[L].a, j, i), yj = AT(y, j, i), *delta = &AT(at[L].delta, j, i);
        *delta = a - yj; /* BP1, where f' is no factor of it */
        if (net->cost == CROSS_ENTROPY) {
            sum -= NAME(x_ln_a)(yj, a) + NAME(x_ln_a)(1 - yj, 1 - a);
        } else if (net->cost == LOG_LIKELIHOOD) {
            sum -= NAME(x_ln_a)(yj, a);
        } else {
            sum += (a - yj) * (a - yj) / 2;
            *delta *= NAME(prime)(net->f[L], AT(at[L].z, j, i)); /* BP1 */
        }
    }
    AT(cost, 0, 0) = sum / m; /* C */

    for (int l = L - 1; l >= 2; l--) {
        at[l].delta = NAME(product)(transposed(at[l + 1].w), at[l + 1].delta);
        EACH(at[l].delta, k, i)
            AT(at[l].delta, k, i) *= BROKEN ? 1 : NAME(prime)(net->f[l], AT(at[l].z, k, i)); /* BP2 */
    }

    for (int l = 2; l <= L; l++) {
        at[l].nabla_b = matrix(at[l].b.rows, 1, sizeof(real));
        at[l].new_b = matrix(at[l].b.rows, 1, sizeof(real));
        EACH(at[l].b, j, zero) {
            real total = 0;
            for (size_t i = 0; i < y.cols; i++)
                total += AT(at[l].delta, j, i);
            AT(at[l].nabla_b, j, zero) = total / m; /* BP3 */
            AT(at[l].new_b, j, zero) = AT(at[l].b, j, zero) - eta * (total / m); /* B */
        }
        at[l].nabla_w = NAME(product)(at[l].delta, transposed(at[l - 1].a));
        at[l].new_w = matrix(at[l].w.rows, at[l].w.cols, sizeof(real));
        EACH(at[l].w, j, k) {
            real nabla = AT(at[l].nabla_w, j, k) /= m; /* BP4 */
            AT(at[l].new_w, j, k) = keep * AT(at[l].w, j, k) - eta * nabla; /* W */
        }
    }
    return cost;
}
