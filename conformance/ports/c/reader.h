/* The reader: a recorded case, whose format is described in fixtures/README.md.
 *
 * A header says where each tensor lies; nothing that it says is believed before it is checked.
 * port.c includes it.
 */

#define SPACE " \t\r\n"

/* What stands behind "name": in a JSON text, or NULL. A quote within a string is escaped, so no
   string is mistaken for a name; of names that occur twice it is the first after `json`. */
static const char *value(const char *json, const char *name)
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    while (json && (json = strstr(json, quoted))) {
        json += strlen(quoted) + strspn(json + strlen(quoted), SPACE);
        if (*json == ':')
            return json + 1 + strspn(json + 1, SPACE);
    }
    return NULL;
}

static bool is(const char *text, const char *right)
{
    return text && !strncmp(text, right, strlen(right));
}

static double number(const char *json, const char *name)
{
    const char *digits = value(json, name);
    if (!digits || !strchr("-0123456789", *digits))
        fail("the case has no number \"%s\"", name);
    return strtod(digits, NULL);
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

/* Which of the names a JSON text is, the first being 0; what is none of them is declined. */
static int which(const char *text, const char *const names[], char declined[64])
{
    size_t length = text && *text == '"' ? strcspn(++text, "\"") : 0;
    for (int at = 0; names[at]; at++)
        if (length == strlen(names[at]) && !strncmp(text, names[at], length))
            return at;
    snprintf(declined, 64, "%.*s", length ? (int)length : 7, length ? text : "nothing");
    return 0;
}

static char *contents(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    long end = stream && !fseek(stream, 0, SEEK_END) ? ftell(stream) : -1;
    if (end < 0 || end == LONG_MAX) /* a folder has no end */
        fail("%s: %s", path, errno ? strerror(errno) : "no file");
    char *bytes = grown(NULL, (size_t)end + 1);
    rewind(stream);
    *size = fread(bytes, 1, (size_t)end, stream);
    bytes[*size] = '\0';
    fclose(stream);
    return bytes;
}

static struct given read_case(const char *path)
{
    struct given g = {0};
    size_t size;
    uint64_t length; /* of the header: eight bytes, little-endian as this machine */
    char *file = contents(path, &size);
    if (size < 8 || (memcpy(&length, file, 8), length > size - 8))
        fail("%s: not a safetensors file: its header is longer than the file", path);
    g.bytes = size - 8 - length;
    g.data = memcpy(grown(NULL, g.bytes), file + 8 + length, g.bytes); /* a copy: aligned */
    g.header = file + 8;
    file[8 + length] = '\0';

    const char *text = value(g.header, "case"); /* JSON within the JSON: its escapes end here */
    if (!is(text, "\""))
        fail("%s: not the file of a case: there is no \"case\" in its header", path);
    char *fields = grown(NULL, strlen(text)), *end = fields;
    while (*++text && *text != '"')
        *end++ = *text == '\\' && text[1] ? *++text : *text; /* \n, \u occur in prose alone */
    *end = '\0';

    if (number(fields, "schema_version") != 1)
        fail("%s: a case of another schema version than 1", path);
    char *conventions = strstr(fields, "\"conventions\""); /* in words, behind the case */
    if (conventions)
        *conventions = '\0';
    g.eta = number(fields, "eta");
    g.lmbda = number(fields, "lmbda");
    g.n = number(fields, "n");
    g.cost = (enum cost)which(value(fields, "cost"), COSTS, g.declined);
    if (value(fields, "update")) /* the book's if not given */
        which(value(fields, "update"), UPDATES, g.declined);
    g.width = is(value(fields, "dtype"), "\"float32\"") ? sizeof(float) : sizeof(double);
    if (g.width == sizeof(double) && !is(value(fields, "dtype"), "\"float64\""))
        fail("%s: its dtype is neither float64 nor float32", path);
    g.layers = (int)list(value(fields, "sizes"), MOST, g.sizes + 1);
    if (g.layers < 2)
        fail("%s: its network does not have 2 to %d layers", path, MOST);
    const char *f = value(fields, "activations"); /* of the layers 2 to L; sigmoids if not given */
    for (int l = 2; f && l <= g.layers; l++, f = strpbrk(f + 1, ",]"))
        g.f[l] = (enum activation)which(f + 1 + strspn(f + 1, SPACE), ACTIVATIONS, g.declined);
    return g;
}

/* A tensor of so many rows and columns, of any number of columns if that is 0. */
static struct matrix tensor(const struct given *g, const char *name, size_t rows, size_t cols)
{
    size_t shape[2] = {1, 1}, range[2];
    const char *entry = value(g->header, name);
    if (!entry)
        fail("tensor %s is missing", name);
    if (!is(value(entry, "dtype"), g->width == sizeof(float) ? "\"F32\"" : "\"F64\""))
        fail("tensor %s is not in the dtype of the case", name);
    const char *sizes = value(entry, "shape"); /* [] is that of the cost */
    if ((!is(sizes, "[]") && list(sizes, 2, shape) != 2)
        || shape[0] != rows || !rows || !shape[1] || (cols && shape[1] != cols))
        fail("tensor %s has a wrong shape", name);
    if (list(value(entry, "data_offsets"), 2, range) != 2 || range[0] > range[1]
        || range[1] > g->bytes || range[0] % g->width || rows > g->bytes || shape[1] > g->bytes
        || (range[1] - range[0]) / g->width / rows != shape[1]
        || (range[1] - range[0]) % (g->width * rows))
        fail("tensor %s is not where its data_offsets say", name);
    return (struct matrix){rows, shape[1], shape[1], 1, (char *)g->data + range[0]};
}
