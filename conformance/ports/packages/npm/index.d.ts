type Hidden = 'sigmoid' | 'tanh' | 'relu' | 'leaky-relu';

/** The description of a case; see the README for its fields. */
export interface Case {
  id: string;
  sizes: number[];
  /** Of the layers 2 to L. */
  activations: (Hidden | `${Hidden}-dropout` | 'linear' | 'softmax')[];
  cost: 'quadratic' | 'cross-entropy' | 'log-likelihood';
  update: 'sgd' | 'l1' | 'momentum' | 'nesterov' | 'rmsprop' | 'adam' | 'adamw';
  /** Of the update: `mu`, `rho`, `epsilon`, those that it has. */
  constants: Record<string, number>;
  eta: number;
  lmbda: number;
  /** The size of the training set, by which lmbda is divided. */
  n: number;
  dtype: 'float64' | 'float32';
  /** The samples of the mini-batch of each step. */
  batches: number[][];
  why: string;
  /** Known mistakes that the case shows. */
  catches: string[];
  /** The names of what a step computes, in causal order. */
  quantities: string[];
}

/** A matrix, row-major; the numbers of a float32 case are doubles too, and exact. */
export interface Tensor {
  /** [rows, columns]; [] of the cost. */
  shape: number[];
  data: Float64Array;
}

/** The version of the corpus, which is that of this package. */
export const version: string;

/** Every case, without its numbers. */
export function cases(): Case[];

/**
 * The tensors of a case by their names: `w2`, `0/x`, `0/z2`, `bound/0/z2`, …
 *
 * @throws RangeError there is no such case
 */
export function read(id: string): Record<string, Tensor>;
