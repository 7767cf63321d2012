// One step of gradient descent, entry by entry as the table of the step says it.
//
// A row of the table has the name of its quantity, its shape, and a tree of what it is computed
// from: a number, a name, or an operator and its operands. Judged by the recorded cases, as every
// port is. Layers have the book's numbers, the input being layer 1; a sample is a column; entries
// are counted from 0.

// A table of numbers, rows × cols, which is what every quantity is.
class Table {
  constructor(rows, cols, data) {
    Object.assign(this, { rows, cols, data: data ?? new Float64Array(rows * cols) });
  }

  static of(rows, cols, entry) {
    const table = new Table(rows, cols);
    for (let j = 0; j < rows; j++)
      for (let k = 0; k < cols; k++) table.data[j * cols + k] = entry(j, k);
    return table;
  }

  at(j, k) {
    return this.data[j * this.cols + k];
  }
}

function sum(count, term) {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

// The function that gives each entry of the product of two tables.
function product(left, right) {
  const { cols, data } = left, { cols: width, data: other } = right;
  return (j, k) => {
    let total = 0;
    for (let i = 0; i < cols; i++) total += data[j * cols + i] * other[i * width + k];
    return total;
  };
}

const OPERATIONS = { // others are those of Math
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => (a === 0 ? 0 : a * b), // 0 ln 0 is 0
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
  '>': (a, b) => (a > b ? 1 : 0),
  maximum: Math.max,
  neg: (a) => -a,
};

// What the names in a tree stand for: `f2` is a2, written as f(z2), and `prime2` is f′(z2).
class Scope {
  constructor(functions, given, made, rates) {
    Object.assign(this, { functions, given, made, numbers: { ...rates, m: given.x.cols } });
  }

  // The number of a leaf; undefined if it has many.
  number(leaf) {
    return typeof leaf === 'number' ? leaf : this.numbers[leaf];
  }

  table(name) { // of a weight or bias, the one before the update
    return this.given[name] ?? this.made[name.replace(/^(f|prime)(?=\d)/, 'a')];
  }

  shape(tree) {
    if (Array.isArray(tree)) {
      const shapes = tree.slice(1).map((each) => this.shape(each));
      if (tree[0] === 'T') return shapes[0].reverse();
      return shapes.sort((one, other) => other[0] * other[1] - one[0] * one[1])[0];
    }
    if (this.number(tree) !== undefined) return [1, 1];
    const { rows, cols } = this.table(tree);
    return [rows, cols];
  }

  // The function that gives each entry of a tree.
  entry(tree) {
    if (Array.isArray(tree)) return this.operation(...tree);
    const number = this.number(tree);
    if (number !== undefined) return () => number;
    if (tree.startsWith('prime')) return this.entry(this.functions[split(tree)[1]].prime);
    const table = this.table(tree);
    return table.cols === 1 ? (j) => table.at(j, 0) : (j, k) => table.at(j, k); // b in each column
  }

  // All entries of a tree.
  filled(tree) {
    return this.given[tree] ?? this.made[tree] ?? Table.of(...this.shape(tree), this.entry(tree));
  }

  operation(operator, ...operands) {
    if (operator === 'if') return this.entry(operands[this.number(operands[0]) ? 1 : 2]);
    if (operator === '@') return product(...operands.map((each) => this.filled(each)));
    const [a, b] = operands.map((each) => this.entry(each));
    const [rows, cols] = this.shape(operands[0]);
    if (operator === 'T') return (j, k) => a(k, j);
    if (operator === 'sum0') return (_, s) => sum(rows, (j) => a(j, s));
    if (operator === 'sum1') return (j) => sum(cols, (s) => a(j, s));
    if (operator === 'sum') return () => sum(rows, (j) => sum(cols, (s) => a(j, s)));
    const operation = OPERATIONS[operator] ?? Math[operator];
    return b ? (j, k) => operation(a(j, k), b(j, k)) : (j, k) => operation(a(j, k));
  }
}

// All quantities of a step by their names, such as z2 and nabla_w3; b2, w2 … are the updated ones.
//
// `table` holds the rows in causal order and the functions of the layers; `given` holds x, y, and
// b2, w2 … before the step; `rates` holds eta, lmbda and n.
function step({ rows, functions }, given, rates) {
  const made = {}, scope = new Scope(functions, given, made, rates);
  for (const row of rows) made[row.name] = Table.of(...row.shape, scope.entry(row.tree));
  return made;
}
