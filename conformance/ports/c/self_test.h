/* The test of a port, as in fixtures/README.md: reads the recorded cases, compares every entry with
 * its tolerance, and needs neither Python nor `conformance`. port.c includes it.
 */

static double entry(struct matrix of, size_t width, size_t e)
{
    return width == sizeof(float) ? ((float *)of.data)[e] : ((double *)of.data)[e];
}

/* A unit in the last place of a number of this width. */
static double ulp(double of, size_t width)
{
    double next = width == sizeof(float) ? nextafterf((float)fabs(of), INFINITY)
                                         : nextafter(fabs(of), INFINITY);
    return next - fabs(of);
}

enum outcome { RIGHT, WRONG, DECLINED };

/* Compares the steps of a case with the record, prints a line, and says what came out. */
static enum outcome test(const char *folder, const char *id)
{
    char path[1024], first[64] = "", name[80];
    snprintf(path, sizeof path, "%s/cases/%s.safetensors", folder, id);
    struct given g = read_case(path);
    if (*g.declined) {
        printf("%-40s declined: %s is not written here\n", id, g.declined);
        return DECLINED;
    }
    struct shown shown = {0};
    double ulps = 0, share = 0; /* the worst, in ulps and as a share of what is tolerated */
    walk(&g, false, &shown);
    for (const struct tensor *t = shown.item; t < shown.item + shown.count; t++) {
        snprintf(name, sizeof name, "bound/%s", t->name);
        struct matrix right = tensor(&g, t->name, t->of.rows, t->of.cols);
        struct matrix bound = tensor(&g, name, t->of.rows, t->of.cols);
        for (size_t e = 0; e < right.rows * right.cols; e++) {
            double is = entry(right, g.width, e), most = entry(bound, g.width, e);
            double off = fabs(entry(t->of, g.width, e) - is);
            if (!(off <= most) && !*first) /* NaN is wrong too */
                strcpy(first, t->name);
            ulps = fmax(ulps, off / ulp(is, g.width));
            share = off > 0 ? fmax(share, off / most) : share;
        }
    }
    printf("%-40s %9.3g ulp, %8.2g of the tolerance%s%s\n", id, ulps, share,
           *first ? ": WRONG, first in " : "", first);
    return shown.count && !*first ? RIGHT : WRONG;
}

static int self_test(const char *folder)
{
    char path[1024], id[128];
    size_t size;
    int count[3] = {0};
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    for (const char *at = contents(path, &size); (at = value(at, "id"));)
        count[sscanf(at, "\"%120[a-z0-9-]", id) == 1 ? test(folder, id) : WRONG]++;
    printf("%d cases right, %d wrong, %d declined\n", count[RIGHT], count[WRONG], count[DECLINED]);
    return count[WRONG] || !count[RIGHT]; /* nothing compared is no success */
}
