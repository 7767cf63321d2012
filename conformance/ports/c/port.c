/* A port of the network to C11: reads a recorded case, walks its steps, writes what it computes.
 *
 *     cc -std=c11 -O2 port.c -lm -o port        (-DBREAK: a version with a known mistake)
 *     ./port CASE.safetensors OUT.safetensors
 *
 * The format of a case is described in fixtures/README.md, what is written in ../README.md; the
 * mathematics is in network.h. What is allocated lives until the program ends. Exit status: 2 and
 * one line on stderr if something is wrong with the input.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#ifdef BREAK
#undef BREAK
#define BREAK 1
#else
#define BREAK 0
#endif

enum { MOST = 16 }; /* layers */

struct network { /* layers are numbered as in the book: 1 is the input, sizes[0] is unused */
    int layers;
    size_t sizes[MOST + 1];
    bool cross_entropy, single; /* single: float32 */
    double eta, lmbda, n;
};
struct batch { size_t m; const void *x, *y; };
struct parameters { const void *w[MOST + 1], *b[MOST + 1]; };
struct quantities { /* by layer; each array is one of the tensors that are written */
    void *z[MOST + 1], *a[MOST + 1], *cost, *delta[MOST + 1];
    void *nabla_b[MOST + 1], *nabla_w[MOST + 1], *b[MOST + 1], *w[MOST + 1];
};

struct file { const char *header, *data; size_t size; };
struct tensor { char name[40]; int rank; size_t rows, cols; void *data; };
struct tensors { size_t count, width; struct tensor *item; };

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

#define real double
#define NAME(function) function##_double
#include "network.h"
#undef real
#undef NAME
#define real float
#define NAME(function) function##_float
#include "network.h"

/* ---- the reader */

#define SPACE " \t\r\n"

/* What stands behind "name": in a JSON text, or NULL. A quote within a string is escaped, so no
   string is mistaken for a name; of names that occur twice it is the first after `json`. */
static const char *value(const char *json, const char *name)
{
    char quoted[48];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    while (json && (json = strstr(json, quoted))) {
        json += strlen(quoted);
        json += strspn(json, SPACE);
        if (*json == ':')
            return json + 1 + strspn(json + 1, SPACE);
    }
    return NULL;
}

/* The numbers of a JSON list, and how many; 0 if it is no list of at most so many. */
static size_t list(const char *json, size_t most, size_t numbers[])
{
    size_t count = 0;
    while (json && (*json == '[' || *json == ',') && count < most) {
        char *end;
        numbers[count++] = strtoull(json + 1, &end, 10);
        json = end == json + 1 ? NULL : end + strspn(end, SPACE);
    }
    return json && *json == ']' ? count : 0;
}

static double number(const char *json, const char *name)
{
    const char *digits = value(json, name);
    if (!digits || !strchr("-0123456789", *digits))
        fail("the case has no number \"%s\"", name);
    return strtod(digits, NULL);
}

static bool is(const char *json, const char *name, const char *right, const char *other)
{
    const char *text = value(json, name);
    if (text && *text == '"' && !strncmp(text + 1, other, strlen(other)))
        return false;
    if (!text || *text != '"' || strncmp(text + 1, right, strlen(right)))
        fail("the \"%s\" of the case is neither %s nor %s", name, right, other);
    return true;
}

/* The description of the case is a JSON text within the JSON: its escapes end here. */
static char *unescaped(const char *text)
{
    char *start = text && *text == '"' ? grown(NULL, strlen(text)) : NULL, *end = start;
    if (!start)
        fail("not the file of a case: there is no \"case\" in its header");
    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\' && text[1])
            text++; /* of \n and \u the letter is left: they occur only in prose */
        *end++ = *text;
    }
    *end = '\0';
    return start;
}

static void read_case(const char *path, struct network *net, struct file *given)
{
    size_t size = 0, got;
    unsigned char *bytes = NULL;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail("%s: %s", path, strerror(errno));
    do {
        bytes = grown(bytes, size + (1 << 20));
        size += got = fread(bytes + size, 1, 1 << 20, stream);
    } while (got);
    if (ferror(stream))
        fail("%s: %s", path, strerror(errno));
    fclose(stream);

    uint64_t length = 0; /* of the header: eight bytes, little-endian */
    for (int i = 0; i < 8 && size >= 8; i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    if (size < 8 || length > size - 8)
        fail("%s: not a safetensors file: its header is longer than the file", path);
    given->size = size - 8 - length;
    given->data = memcpy(grown(NULL, given->size), bytes + 8 + length, given->size);
    given->header = memmove(bytes, bytes + 8, length);
    bytes[length] = '\0';

    const char *description = unescaped(value(given->header, "case"));
    if (number(description, "schema_version") != 1)
        fail("%s: a case of another schema version than 1", path);
    const char *fields = value(description, "case");
    net->eta = number(fields, "eta");
    net->lmbda = number(fields, "lmbda");
    net->n = number(fields, "n");
    net->cross_entropy = is(fields, "cost", "cross-entropy", "quadratic");
    net->single = is(fields, "dtype", "float32", "float64");
    net->layers = (int)list(value(fields, "sizes"), MOST, net->sizes + 1);
    if (net->layers < 2)
        fail("%s: its network does not have 2 to %d layers", path, MOST);
    for (int l = 1; l <= net->layers; l++)
        if (net->sizes[l] < 1 || net->sizes[l] > 1 << 30)
            fail("%s: layer %d cannot have %zu neurons", path, l, net->sizes[l]);
}

/* The data of a matrix; *cols may be 0 for any number of columns. NULL if there is none. */
static const void *lookup(const struct file *given, const struct network *net, size_t rows,
                          size_t *cols, const char *name)
{
    size_t shape[2], range[2], width = net->single ? sizeof(float) : sizeof(double);
    const char *entry = value(given->header, name);
    if (!entry)
        return NULL;
    const char *dtype = value(entry, "dtype");
    if (!dtype || strncmp(dtype, net->single ? "\"F32\"" : "\"F64\"", 5))
        fail("tensor %s is not in the dtype of the case", name);
    if (list(value(entry, "shape"), 2, shape) != 2 || shape[0] != rows || !shape[1]
        || (*cols && shape[1] != *cols))
        fail("tensor %s has a wrong shape", name);
    if (list(value(entry, "data_offsets"), 2, range) != 2 || range[0] > range[1]
        || range[1] > given->size || range[0] % width || (range[1] - range[0]) % (rows * width)
        || (range[1] - range[0]) / (rows * width) != shape[1])
        fail("tensor %s is not where its data_offsets say", name);
    *cols = shape[1];
    return given->data + range[0];
}

static const void *found(const struct file *given, const struct network *net, size_t rows,
                         size_t cols, const char *name)
{
    const void *data = lookup(given, net, rows, &cols, name);
    if (!data)
        fail("tensor %s is missing", name);
    return data;
}

/* ---- the walk: every step from the recorded parameters, or all from our own */

static const char *in_step(int t, const char *kind, int layer) /* "1/w2"; the start is step −1 */
{
    static char name[40];
    int used = t < 0 ? 0 : snprintf(name, sizeof name, "%d/", t);
    snprintf(name + used, sizeof name - (size_t)used, layer ? "%s%d" : "%s", kind, layer);
    return name;
}

static void *add(struct tensors *shown, int rank, size_t rows, size_t cols, const char *mode, int t,
                 const char *kind, int layer)
{
    struct tensor made = {.rank = rank, .rows = rows, .cols = cols};
    snprintf(made.name, sizeof made.name, layer ? "%s%d/%s%d" : "%s%d/%s", mode, t, kind, layer);
    made.data = grown(NULL, rows * cols * shown->width);
    shown->item = grown(shown->item, (shown->count + 1) * sizeof made);
    shown->item[shown->count++] = made;
    return made.data;
}

static struct quantities room(struct tensors *shown, const struct network *net, const char *mode,
                              int t, size_t m)
{
    struct quantities q = {.cost = add(shown, 0, 1, 1, mode, t, "cost", 0)};
    for (int l = 2; l <= net->layers; l++) {
        size_t n = net->sizes[l], below = net->sizes[l - 1];
        q.z[l] = add(shown, 2, n, m, mode, t, "z", l);
        q.a[l] = add(shown, 2, n, m, mode, t, "a", l);
        q.delta[l] = add(shown, 2, n, m, mode, t, "delta", l);
        q.nabla_b[l] = add(shown, 2, n, 1, mode, t, "nabla_b", l);
        q.nabla_w[l] = add(shown, 2, n, below, mode, t, "nabla_w", l);
        q.b[l] = add(shown, 2, n, 1, mode, t, "b", l);
        q.w[l] = add(shown, 2, n, below, mode, t, "w", l);
    }
    return q;
}

static void walk(const struct network *net, const struct file *given, bool freely,
                 struct tensors *shown)
{
    const size_t *n = net->sizes;
    struct parameters p;
    struct batch batch;
    for (int t = 0; batch.m = 0, batch.x = lookup(given, net, n[1], &batch.m, in_step(t, "x", 0));
         t++) {
        batch.y = found(given, net, n[net->layers], batch.m, in_step(t, "y", 0));
        for (int l = 2; l <= net->layers && (t == 0 || !freely); l++) {
            p.w[l] = found(given, net, n[l], n[l - 1], in_step(t - 1, "w", l));
            p.b[l] = found(given, net, n[l], 1, in_step(t - 1, "b", l));
        }
        struct quantities q = room(shown, net, freely ? "free/" : "", t, batch.m);
        (net->single ? step_float : step_double)(net, &batch, &p, &q);
        for (int l = 2; l <= net->layers; l++)
            p.w[l] = q.w[l], p.b[l] = q.b[l];
    }
}

/* ---- the writer */

static void write_tensors(const char *path, const struct tensors *shown)
{
    char *header = grown(NULL, shown->count * 200 + 16);
    size_t length = 0, offset = 0;
    for (size_t i = 0; i < shown->count; i++) {
        const struct tensor *t = &shown->item[i];
        size_t bytes = t->rows * t->cols * shown->width;
        length += (size_t)sprintf(header + length, "%c\"%s\":{\"dtype\":\"F%zu\",\"shape\":[",
                                  i ? ',' : '{', t->name, 8 * shown->width);
        if (t->rank)
            length += (size_t)sprintf(header + length, "%zu,%zu", t->rows, t->cols);
        length += (size_t)sprintf(header + length, "],\"data_offsets\":[%zu,%zu]}",
                                  offset, offset + bytes);
        offset += bytes;
    }
    length += (size_t)sprintf(header + length, "%s}", shown->count ? "" : "{");
    while (length % 8)
        header[length++] = ' ';

    FILE *stream = fopen(path, "wb");
    if (!stream)
        fail("%s: %s", path, strerror(errno));
    for (int i = 0; i < 8; i++)
        fputc((int)((uint64_t)length >> 8 * i & 0xff), stream);
    fwrite(header, 1, length, stream);
    for (size_t i = 0; i < shown->count; i++)
        fwrite(shown->item[i].data, shown->width, shown->item[i].rows * shown->item[i].cols,
               stream);
    bool wrong = ferror(stream);
    if (fclose(stream) || wrong)
        fail("%s: cannot be written", path);
}

int main(int count, char **arguments)
{
    struct network net = {0};
    struct file given;
    struct tensors shown = {0};
    if (count != 3)
        fail("usage: %s CASE OUT", count ? arguments[0] : "port");
    if (*(const unsigned char *)&(const uint16_t){1} != 1)
        fail("the files are little-endian, and this machine is not");
    read_case(arguments[1], &net, &given);
    shown.width = net.single ? sizeof(float) : sizeof(double);
    walk(&net, &given, false, &shown);
    walk(&net, &given, true, &shown);
    write_tensors(arguments[2], &shown);
    return 0;
}
