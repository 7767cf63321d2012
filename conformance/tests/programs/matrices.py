"""Matrices of plain numbers, as in video lessons."""


class Matrix:
    def __init__(self, rows):
        self.rows = [[float(e) for e in row] for row in rows]

    def fill(self, n, m, f):
        return Matrix([[f(i, j) for j in range(m)] for i in range(n)])

    def times(self, other):
        terms = range(len(other.rows))
        entry = lambda i, j: sum(self.rows[i][k] * other.rows[k][j] for k in terms)
        return self.fill(len(self.rows), len(other.rows[0]), entry)

    def turned(self):
        return self.fill(len(self.rows[0]), len(self.rows), lambda i, j: self.rows[j][i])

    def with_each(self, other, f):
        entry = lambda i, j: f(self.rows[i][j], other.rows[i][j])
        return self.fill(len(self.rows), len(self.rows[0]), entry)

    def map(self, f):
        return self.with_each(self, lambda e, _: f(e))
