/* The network: one step of gradient descent, equation by equation.
 *
 * port.c includes this twice, with `real` a double and a float; <tgmath.h> picks exp or expf by the
 * type, so that a float32 case never leaves float. Arrays are row-major: entry (j, i) of a matrix
 * with m columns is [j * m + i]. j and k count neurons (k one layer below), i counts samples.
 */

static real NAME(sigmoid)(real z)
{
    return 1 / (1 + exp(-z)); /* exp overflows to infinity where the result is rightly 0 */
}

static real NAME(sigmoid_prime)(real z)
{
    real s = NAME(sigmoid)(z);
    return s * (1 - s);
}

static real NAME(x_ln_a)(real x, real a)
{
    return x == 0 ? 0 : x * log(a); /* 0 ln 0 is 0, not 0 times minus infinity */
}

/* Z: z = w a + b.  A: a = sigma(z). */
static void NAME(feedforward)(const struct network *net, const struct batch *batch,
                              const struct parameters *p, struct quantities *q)
{
    size_t m = batch->m;
    for (int l = 2; l <= net->layers; l++) {
        size_t n = net->sizes[l], below = net->sizes[l - 1];
        const real *w = p->w[l], *b = p->b[l], *a_below = l == 2 ? batch->x : q->a[l - 1];
        real *z = q->z[l], *a = q->a[l];
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < m; i++) {
                real sum = 0;
                for (size_t k = 0; k < below; k++)
                    sum += w[j * below + k] * a_below[k * m + i];
                z[j * m + i] = sum + b[j];
                a[j * m + i] = NAME(sigmoid)(z[j * m + i]);
            }
    }
}

/* C: the mean over the mini-batch.  BP1: delta of the output layer, for each sample. */
static void NAME(output)(const struct network *net, const struct batch *batch,
                         struct quantities *q)
{
    const real *y = batch->y, *z = q->z[net->layers], *a = q->a[net->layers];
    real *delta = q->delta[net->layers], sum = 0;
    for (size_t e = 0; e < net->sizes[net->layers] * batch->m; e++) {
        real off = a[e] - y[e];
        if (net->cross_entropy) {
            sum -= NAME(x_ln_a)(y[e], a[e]) + NAME(x_ln_a)(1 - y[e], 1 - a[e]);
            delta[e] = off;
        } else {
            sum += off * off / 2;
            delta[e] = off * NAME(sigmoid_prime)(z[e]);
        }
    }
    *(real *)q->cost = sum / batch->m;
}

/* BP2: delta = (w_above transposed times delta_above) times sigma'(z), from the old w_above. */
static void NAME(backward)(const struct network *net, size_t m, const struct parameters *p,
                           struct quantities *q)
{
    for (int l = net->layers - 1; l >= 2; l--) {
        size_t n = net->sizes[l], above = net->sizes[l + 1];
        const real *w_above = p->w[l + 1], *delta_above = q->delta[l + 1], *z = q->z[l];
        real *delta = q->delta[l];
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < m; i++) {
                real sum = 0;
                for (size_t j = 0; j < above; j++)
                    sum += w_above[j * n + k] * delta_above[j * m + i];
                delta[k * m + i] = sum * (BREAK ? 1 : NAME(sigmoid_prime)(z[k * m + i]));
            }
    }
}

/* BP3, BP4: the means over this mini-batch.  B, W: one step downhill; w decays, b does not. */
static void NAME(descend)(const struct network *net, const struct batch *batch,
                          const struct parameters *p, struct quantities *q)
{
    size_t m = batch->m;
    real eta = (real)net->eta, keep = 1 - eta * (real)net->lmbda / (real)net->n;
    for (int l = 2; l <= net->layers; l++) {
        size_t n = net->sizes[l], below = net->sizes[l - 1];
        const real *a_below = l == 2 ? batch->x : q->a[l - 1], *delta = q->delta[l];
        const real *w = p->w[l], *b = p->b[l];
        real *nabla_w = q->nabla_w[l], *nabla_b = q->nabla_b[l];
        real *new_w = q->w[l], *new_b = q->b[l];
        for (size_t j = 0; j < n; j++) {
            real sum = 0;
            for (size_t i = 0; i < m; i++)
                sum += delta[j * m + i];
            nabla_b[j] = sum / m;
            new_b[j] = b[j] - eta * nabla_b[j];
            for (size_t k = 0; k < below; k++) {
                size_t e = j * below + k;
                sum = 0;
                for (size_t i = 0; i < m; i++)
                    sum += delta[j * m + i] * a_below[k * m + i];
                nabla_w[e] = sum / m;
                new_w[e] = keep * w[e] - eta * nabla_w[e];
            }
        }
    }
}

static void NAME(step)(const struct network *net, const struct batch *batch,
                       const struct parameters *p, struct quantities *q)
{
    NAME(feedforward)(net, batch, p, q);
    NAME(output)(net, batch, q);
    NAME(backward)(net, batch->m, p, q);
    NAME(descend)(net, batch, p, q);
}
