/* A port of the network to C11: reads a recorded case, walks its steps, writes what it computes.
 *
 *     cc -std=c11 -O2 port.c -lm -o port        (-DBREAK: a version with a known mistake)
 *     ./port CASE.safetensors OUT.safetensors
 *     ./port --self-test FIXTURES               (compares all cases itself, without Python)
 *
 * The network is in network.h, the reader of a case in reader.h, the self-test in self_test.h; what
 * is written is described in ../README.md. What is allocated lives until the program ends. Exit
 * status: 2 and one line on stderr if something is wrong with the input, 77 if the case is of a network
 * that is not written here, 1 if the self-test finds a difference.
 */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#ifdef BREAK
enum { BROKEN = true };
#else
enum { BROKEN = false };
#endif

enum { MOST = 16 }; /* layers */

/* What is written here: the names that the cases have, in the order of the numbers. */
enum activation { SIGMOID, TANH, RELU, LEAKY_RELU, LINEAR, SOFTMAX };
enum cost { QUADRATIC, CROSS_ENTROPY, LOG_LIKELIHOOD };
static const char *const ACTIVATIONS[] = {
    "sigmoid", "tanh", "relu", "leaky-relu", "linear", "softmax", NULL,
};
static const char *const COSTS[] = {"quadratic", "cross-entropy", "log-likelihood", NULL};
static const char *const UPDATES[] = {"sgd", NULL};

struct given { /* a case; layers are numbered as in the book: 1 is the input, sizes[0] is unused */
    const char *header, *data;
    size_t bytes, width, sizes[MOST + 1]; /* of the data, of one number, of the layers */
    int layers;
    enum activation f[MOST + 1]; /* of the layers 2 to L */
    enum cost cost;
    char declined[64]; /* the activation, cost or update that is not written here; empty if none */
    double eta, lmbda, n;
};
struct matrix { size_t rows, cols, down, right; void *data; }; /* steps to the next row, column */
struct layer { struct matrix w, b, z, a, delta, nabla_b, nabla_w, new_b, new_w; };
struct shown { size_t count; struct tensor { char name[64]; struct matrix of; } *item; };

#define AT(matrix, row, col) \
    (((real *)(matrix).data)[(row) * (matrix).down + (col) * (matrix).right])
#define EACH(matrix, row, col) \
    for (size_t row = 0; row < (matrix).rows; row++) \
        for (size_t col = 0; col < (matrix).cols; col++)

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "port: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    exit(2);
}

static void *grown(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        fail("no memory for %zu bytes", size);
    return memory;
}

static struct matrix matrix(size_t rows, size_t cols, size_t width)
{
    return (struct matrix){rows, cols, cols, 1, grown(NULL, rows * cols * width)};
}

static struct matrix transposed(struct matrix a)
{
    return (struct matrix){a.cols, a.rows, a.right, a.down, a.data};
}

#define real double
#define NAME(function) function##_double
#include "network.h"
#undef real
#undef NAME
#define real float
#define NAME(function) function##_float
#include "network.h"

#include "reader.h"

/* ---- the walk: every step from the recorded parameters, or all from our own */

static const char *named(const char *at, const char *kind, int layer)
{
    static char name[64];
    snprintf(name, sizeof name, layer ? "%s%s%d" : "%s%s", at, kind, layer);
    return name;
}

static void show(struct shown *shown, const char *name, struct matrix of)
{
    shown->item = grown(shown->item, (shown->count + 1) * sizeof *shown->item);
    shown->item[shown->count].of = of;
    strcpy(shown->item[shown->count++].name, name);
}

static void walk(const struct given *g, bool freely, struct shown *shown)
{
    struct layer layers[MOST + 1];
    char before[24] = "", at[24] = "0/", to[32];
    for (int t = 0; value(g->header, named(at, "x", 0)); snprintf(at, sizeof at, "%d/", ++t)) {
        struct matrix x = tensor(g, named(at, "x", 0), g->sizes[1], 0);
        struct matrix y = tensor(g, named(at, "y", 0), g->sizes[g->layers], x.cols);
        layers[1].a = x;
        for (int l = 2; l <= g->layers; l++) {
            struct layer *layer = &layers[l];
            bool own = freely && t > 0;
            layer->w = own ? layer->new_w
                           : tensor(g, named(before, "w", l), g->sizes[l], g->sizes[l - 1]);
            layer->b = own ? layer->new_b : tensor(g, named(before, "b", l), g->sizes[l], 1);
        }
        bool single = g->width == sizeof(float);
        snprintf(to, sizeof to, "%s%s", freely ? "free/" : "", strcpy(before, at));
        struct matrix cost = (single ? step_float : step_double)(g, layers, y);
        show(shown, named(to, "cost", 0), cost);
        for (int l = 2; l <= g->layers; l++) {
            show(shown, named(to, "z", l), layers[l].z);
            show(shown, named(to, "a", l), layers[l].a);
            show(shown, named(to, "delta", l), layers[l].delta);
            show(shown, named(to, "nabla_b", l), layers[l].nabla_b);
            show(shown, named(to, "nabla_w", l), layers[l].nabla_w);
            show(shown, named(to, "b", l), layers[l].new_b);
            show(shown, named(to, "w", l), layers[l].new_w);
        }
    }
}

/* ---- the writer */

static void write_tensors(const char *path, const struct shown *shown, size_t width)
{
    char *header = grown(NULL, shown->count * 200 + 16);
    uint64_t length = 0;
    size_t begin = 0;
    for (const struct tensor *t = shown->item; t < shown->item + shown->count; t++) {
        size_t end = begin + t->of.rows * t->of.cols * width;
        length += (size_t)sprintf(header + length, "%c\"%s\":{\"dtype\":\"F%zu\",\"shape\":[",
                                  length ? ',' : '{', t->name, 8 * width);
        if (!strstr(t->name, "/cost")) /* which is a scalar */
            length += (size_t)sprintf(header + length, "%zu,%zu", t->of.rows, t->of.cols);
        length += (size_t)sprintf(header + length, "],\"data_offsets\":[%zu,%zu]}", begin, end);
        begin = end;
    }
    length += (size_t)sprintf(header + length, "%s}", length ? "" : "{");
    while (length % 8)
        header[length++] = ' ';

    FILE *stream = fopen(path, "wb");
    if (!stream)
        fail("%s: %s", path, strerror(errno));
    fwrite(&length, 1, 8, stream);
    fwrite(header, 1, length, stream);
    for (const struct tensor *t = shown->item; t < shown->item + shown->count; t++)
        fwrite(t->of.data, width, t->of.rows * t->of.cols, stream);
    bool wrong = ferror(stream);
    if (fclose(stream) || wrong)
        fail("%s: cannot be written", path);
}

#include "self_test.h"

int main(int count, char **arguments)
{
    struct shown shown = {0};
    if (count != 3)
        fail("usage: port CASE OUT, or port --self-test FIXTURES");
    if (*(const unsigned char *)&(const uint16_t){1} != 1)
        fail("the files are little-endian, and this machine is not");
    if (!strcmp(arguments[1], "--self-test"))
        return self_test(arguments[2]);
    struct given g = read_case(arguments[1]);
    if (*g.declined) {
        fprintf(stderr, "port: %s is not written here\n", g.declined);
        return 77;
    }
    walk(&g, false, &shown);
    walk(&g, true, &shown);
    write_tensors(arguments[2], &shown, g.width);
    return 0;
}
