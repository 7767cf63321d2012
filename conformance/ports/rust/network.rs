//! The network: matrices of f64 or f32, and one step of gradient descent, equation by equation.
//!
//! `j` and `k` count neurons, `i` counts samples.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// What f64 and f32 have in common.
pub trait Real:
    Copy + PartialOrd + Into<f64> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
    + Div<Output = Self> + Neg<Output = Self>
{
    const DTYPE: &'static str;
    const WIDTH: usize;
    fn of(value: f64) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn tanh(self) -> Self;
    fn from_bytes(bytes: &[u8]) -> Self;
    fn write_to(self, bytes: &mut Vec<u8>);
}

macro_rules! real {
    ($type:ident, $dtype:literal, $width:literal) => {
        impl Real for $type {
            const DTYPE: &'static str = $dtype;
            const WIDTH: usize = $width;
            fn of(value: f64) -> Self { value as $type }
            fn exp(self) -> Self { $type::exp(self) }
            fn ln(self) -> Self { $type::ln(self) }
            fn tanh(self) -> Self { $type::tanh(self) }
            fn from_bytes(bytes: &[u8]) -> Self {
                $type::from_le_bytes(bytes.try_into().expect("a chunk is as wide as a number"))
            }
            fn write_to(self, bytes: &mut Vec<u8>) { bytes.extend(self.to_le_bytes()) }
        }
    };
}
real!(f64, "F64", 8);
real!(f32, "F32", 4);

/// A matrix, row-major; a column is a sample.
#[derive(Clone)]
pub struct Matrix<T> {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<T>,
}

impl<T: Real> Matrix<T> {
    fn build(rows: usize, cols: usize, entry: impl Fn(usize, usize) -> T) -> Self {
        let places = (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col)));
        Self { rows, cols, data: places.map(|(row, col)| entry(row, col)).collect() }
    }
    fn at(&self, row: usize, col: usize) -> T { self.data[row * self.cols + col] }
    fn transposed(&self) -> Self { Self::build(self.cols, self.rows, |row, col| self.at(col, row)) }
    fn times(&self, other: &Self) -> Self {
        Self::build(self.rows, other.cols, |row, col| {
            (0..self.cols).fold(T::of(0.0), |sum, k| sum + self.at(row, k) * other.at(k, col))
        })
    }
    fn map(&self, f: impl Fn(T) -> T) -> Self {
        Self { data: self.data.iter().map(|&v| f(v)).collect(), ..*self }
    }
    fn with(&self, other: &Self, f: impl Fn(T, T) -> T) -> Self {
        let pairs = self.data.iter().zip(&other.data);
        Self { data: pairs.map(|(&v, &u)| f(v, u)).collect(), ..*self }
    }
    fn sum_of_rows(&self) -> Self {
        let sum = |row| self.data[row * self.cols..][..self.cols].iter();
        Self::build(self.rows, 1, |row, _| sum(row).fold(T::of(0.0), |total, &v| total + v))
    }
}

// ---- the network: one step, equation by equation

#[derive(Clone, Copy, PartialEq)]
pub enum Activation { Sigmoid, Tanh, Relu, LeakyRelu, Linear, Softmax }

impl Activation {
    /// The one of this name, or none: it is not written here.
    pub fn named(name: &str) -> Option<Self> {
        use Activation::{LeakyRelu, Linear, Relu, Sigmoid, Softmax, Tanh};
        Some(match name {
            "sigmoid" => Sigmoid, "tanh" => Tanh, "relu" => Relu,
            "leaky-relu" => LeakyRelu, "linear" => Linear, "softmax" => Softmax, _ => return None,
        })
    }
    /// a = f(z) of a layer.
    fn of<T: Real>(self, z: &Matrix<T>) -> Matrix<T> {
        match self {
            Self::Sigmoid => z.map(sigmoid),
            Self::Tanh => z.map(Real::tanh),
            Self::Relu => z.map(|z| if z > T::of(0.0) { z } else { T::of(0.0) }),
            Self::LeakyRelu => z.map(|z| if z > T::of(0.0) { z } else { T::of(0.01) * z }),
            Self::Linear => z.clone(),
            Self::Softmax => softmax(z),
        }
    }
    /// f′(z) of a neuron; softmax has none, and stands at the output alone, where it is no factor.
    fn prime<T: Real>(self, z: T) -> T {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        match self {
            Self::Sigmoid => sigmoid(z) * (one - sigmoid(z)),
            Self::Tanh => one - z.tanh() * z.tanh(),
            Self::Relu => if z > zero { one } else { zero },
            Self::LeakyRelu => if z > zero { one } else { T::of(0.01) },
            Self::Linear | Self::Softmax => one,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Cost { Quadratic, CrossEntropy, LogLikelihood }

impl Cost {
    /// The one of this name, or none: it is not written here.
    pub fn named(name: &str) -> Option<Self> {
        use Cost::{CrossEntropy, LogLikelihood, Quadratic};
        Some(match name {
            "quadratic" => Quadratic, "cross-entropy" => CrossEntropy,
            "log-likelihood" => LogLikelihood, _ => return None,
        })
    }
    /// What an output adds to the cost of its sample.
    fn of<T: Real>(self, a: T, y: T) -> T {
        let one = T::of(1.0);
        match self {
            Self::Quadratic => (a - y) * (a - y) / T::of(2.0),
            Self::CrossEntropy => -(x_ln_a(y, a) + x_ln_a(one - y, one - a)),
            Self::LogLikelihood => -x_ln_a(y, a),
        }
    }
}

pub struct Network {
    pub sizes: Vec<usize>,
    pub activations: Vec<Activation>, // of the layers 2 to L
    pub cost: Cost,
    pub eta: f64,
    pub decay: (f64, f64), // λ, n
    pub broken: bool,
}

/// w and b of the layers 2 to L.
pub type Parameters<T> = Vec<(Matrix<T>, Matrix<T>)>;

fn sigmoid<T: Real>(z: T) -> T { T::of(1.0) / (T::of(1.0) + (-z).exp()) }

/// The neurons of a sample share one sum; its largest z is taken off, so that none is infinite.
fn softmax<T: Real>(z: &Matrix<T>) -> Matrix<T> {
    let larger = |most: T, z: T| if z > most { z } else { most };
    let most = |i| (1..z.rows).fold(z.at(0, i), |most, j| larger(most, z.at(j, i)));
    let powers = Matrix::build(z.rows, z.cols, |j, i| (z.at(j, i) - most(i)).exp());
    let total = powers.transposed().sum_of_rows();
    Matrix::build(z.rows, z.cols, |j, i| powers.at(j, i) / total.at(i, 0))
}

/// x ln a, where 0 ln 0 is 0.
fn x_ln_a<T: Real>(x: T, a: T) -> T { if x == T::of(0.0) { x } else { x * a.ln() } }

/// Takes a step, tells `show` each quantity by its name, and returns the parameters after it.
pub fn step<T: Real>(
    net: &Network, start: &Parameters<T>, x: &Matrix<T>, y: &Matrix<T>,
    show: &mut impl FnMut(String, &Matrix<T>),
) -> Parameters<T> {
    let (one, m, eta) = (T::of(1.0), T::of(x.cols as f64), T::of(net.eta));
    let (mut z, mut a) = (vec![], vec![x.clone()]); // a[0] is x, z[0] that of layer 2
    for (l, (w, b)) in (2..).zip(start) {
        let wa = w.times(&a[l - 2]);
        z.push(Matrix::build(wa.rows, wa.cols, |j, i| wa.at(j, i) + b.at(j, 0))); // Z
        a.push(net.activations[l - 2].of(&z[l - 2])); // A
        show(format!("z{l}"), &z[l - 2]);
        show(format!("a{l}"), &a[l - 1]);
    }

    let a_out = &a[a.len() - 1];
    let each = a_out.with(y, |a, y| net.cost.of(a, y));
    let total = each.data.iter().fold(T::of(0.0), |sum, &c| sum + c);
    show("cost".into(), &Matrix::build(1, 1, |_, _| total / m)); // C

    let z = if net.broken { &a[1..] } else { &z[..] }; // broken: f′ of a
    let times_prime = |back: Matrix<T>, at: usize| {
        back.with(&z[at], |back, z| back * net.activations[at].prime(z))
    };
    let (off, last) = (a_out.with(y, |a, y| a - y), z.len() - 1);
    let with_prime = net.cost == Cost::Quadratic;
    let mut delta = vec![if with_prime { times_prime(off, last) } else { off }]; // BP1
    for at in (0..last).rev() {
        let back = start[at + 1].0.transposed().times(&delta[0]);
        delta.insert(0, times_prime(back, at)); // BP2
    }

    let keep = one - eta * T::of(net.decay.0) / T::of(net.decay.1); // 1 − ηλ/n, of w alone
    let descend = |(l, (w, b)): (usize, &(Matrix<T>, Matrix<T>))| {
        let delta = &delta[l - 2];
        let nabla_b = delta.sum_of_rows().map(|sum| sum / m); // BP3
        let nabla_w = delta.times(&a[l - 2].transposed()).map(|sum| sum / m); // BP4
        let new_b = b.with(&nabla_b, |b, nabla| b - eta * nabla); // B
        let new_w = w.with(&nabla_w, |w, nabla| keep * w - eta * nabla); // W
        for (kind, shown) in [("delta", delta), ("nabla_b", &nabla_b), ("nabla_w", &nabla_w),
            ("b", &new_b), ("w", &new_w)] {
            show(format!("{kind}{l}"), shown);
        }
        (new_w, new_b)
    };
    (2..).zip(start).map(descend).collect()
}
