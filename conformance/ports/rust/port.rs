//! A port of the network to Rust: reads a recorded case, walks its steps, writes what it computes.
//!
//!     rustc -O --edition 2021 port.rs && ./port CASE.safetensors OUT.safetensors
//!
//! The format of a case is described in fixtures/README.md, what is written in ../README.md. The
//! standard library alone, and json.rs beside; one generic network for f64 and f32. Exit status 2
//! and one line on stderr if something is wrong with the input. `PORT_BREAK=1` makes a known
//! mistake.

mod json;

use json::Json;
use std::fmt::Display;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::{env, fs, process};

type Outcome<T> = Result<T, String>;

// ---- arithmetic: what f64 and f32 have in common, and matrices of either

trait Real:
    Copy + PartialEq + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
    + Div<Output = Self> + Neg<Output = Self>
{
    const DTYPE: &'static str;
    const WIDTH: usize;
    fn of(value: f64) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
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
struct Matrix<T> { rows: usize, cols: usize, data: Vec<T> }

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

struct Network { sizes: Vec<usize>, cross_entropy: bool, eta: f64, decay: (f64, f64), broken: bool }

/// w and b of the layers 2 to L.
type Parameters<T> = Vec<(Matrix<T>, Matrix<T>)>;

fn sigmoid<T: Real>(z: T) -> T { T::of(1.0) / (T::of(1.0) + (-z).exp()) }

fn sigmoid_prime<T: Real>(z: T) -> T { sigmoid(z) * (T::of(1.0) - sigmoid(z)) }

/// x ln a, where 0 ln 0 is 0.
fn x_ln_a<T: Real>(x: T, a: T) -> T { if x == T::of(0.0) { x } else { x * a.ln() } }

/// Takes a step, tells `show` each quantity by its name, and returns the parameters after it.
fn step<T: Real>(
    net: &Network, start: &Parameters<T>, x: &Matrix<T>, y: &Matrix<T>,
    show: &mut impl FnMut(String, &Matrix<T>),
) -> Parameters<T> {
    let (one, m, eta) = (T::of(1.0), T::of(x.cols as f64), T::of(net.eta));
    let (mut z, mut a) = (vec![], vec![x.clone()]); // a[0] is x, z[0] that of layer 2
    for (l, (w, b)) in (2..).zip(start) {
        let wa = w.times(&a[l - 2]);
        z.push(Matrix::build(wa.rows, wa.cols, |j, i| wa.at(j, i) + b.at(j, 0))); // Z
        a.push(z[l - 2].map(sigmoid)); // A
        show(format!("z{l}"), &z[l - 2]);
        show(format!("a{l}"), &a[l - 1]);
    }

    let a_out = &a[a.len() - 1];
    let off = a_out.with(y, |a, y| a - y);
    let each = if net.cross_entropy {
        a_out.with(y, |a, y| -(x_ln_a(y, a) + x_ln_a(one - y, one - a)))
    } else {
        off.map(|off| off * off / T::of(2.0))
    };
    let total = each.data.iter().fold(T::of(0.0), |sum, &c| sum + c);
    show("cost".into(), &Matrix::build(1, 1, |_, _| total / m)); // C

    let z = if net.broken { &a[1..] } else { &z[..] }; // broken: σ′ of a
    let mut delta = vec![if net.cross_entropy { off } else {
        off.with(&z[z.len() - 1], |off, z| off * sigmoid_prime(z)) // BP1
    }];
    for ((w_above, _), z) in start[1..].iter().zip(z).rev() {
        let back = w_above.transposed().times(&delta[0]);
        delta.insert(0, back.with(z, |back, z| back * sigmoid_prime(z))); // BP2
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

// ---- the reader

/// A case: the description from its header, and its tensors where they lie in the file.
struct Case { header: Json, fields: Json, data: Vec<u8> }

impl Case {
    fn read(path: &str) -> Outcome<Case> {
        let file = fs::read(path).map_err(|error| error.to_string())?;
        let (length, rest) = file.split_first_chunk::<8>().ok_or("not a safetensors file")?;
        let length = u64::from_le_bytes(*length);
        if length > rest.len() as u64 {
            return Err("not a safetensors file: its header is longer than the file".into());
        }
        let (header, data) = rest.split_at(length as usize);
        let header = Json::parse(std::str::from_utf8(header).map_err(|error| error.to_string())?)?;
        let description = Json::parse(header.get("__metadata__")?.get("case")?.str()?)?;
        if description.get("schema_version")?.number()? != 1.0 {
            return Err("a case of another schema version than 1".into());
        }
        let Json::Object(mut description) = description else { unreachable!("it has a version") };
        let fields = description.remove("case").ok_or("case is missing in the header")?;
        Ok(Case { header, fields, data: data.to_vec() })
    }
    fn has(&self, name: &str) -> bool { self.header.get(name).is_ok() }
    /// A matrix of so many rows and, if that is known, columns.
    fn matrix<T: Real>(&self, name: &str, rows: usize, cols: Option<usize>) -> Outcome<Matrix<T>> {
        let entry = self.header.get(name)?;
        let (shape, range) = (entry.get("shape")?.sizes()?, entry.get("data_offsets")?.sizes()?);
        if entry.get("dtype")?.str()? != T::DTYPE {
            return Err(format!("{name} is not in the dtype of the case"));
        }
        if shape.len() != 2 || shape[0] != rows || cols.is_some_and(|cols| shape[1] != cols) {
            return Err(format!("{name} has shape {shape:?}, which should be [{rows}, {cols:?}]"));
        }
        let bytes = match range[..] { [begin, end] => self.data.get(begin..end), _ => None };
        let bytes = bytes.ok_or(format!("{name} does not lie within the file"))?;
        let data: Vec<T> = bytes.chunks_exact(T::WIDTH).map(T::from_bytes).collect();
        if rows.checked_mul(shape[1]) != Some(data.len()) || data.len() * T::WIDTH != bytes.len() {
            return Err(format!("{name} has a shape that is not that of its bytes"));
        }
        Ok(Matrix { rows, cols: shape[1], data })
    }
    fn network(&self) -> Outcome<Network> {
        let (sizes, cost) = (self.fields.get("sizes")?.sizes()?, self.fields.get("cost")?.str()?);
        if sizes.len() < 2 || !["quadratic", "cross-entropy"].contains(&cost) {
            return Err(format!("no network: sizes {sizes:?}, cost {cost}"));
        }
        let field = |name| self.fields.get(name)?.number();
        let (eta, decay) = (field("eta")?, (field("lmbda")?, field("n")?));
        let broken = env::var_os("PORT_BREAK").is_some();
        Ok(Network { sizes, cross_entropy: cost == "cross-entropy", eta, decay, broken })
    }
}

// ---- the writer, and the walk through a case

/// Tensors in the order in which they were shown: the header and the bytes of a file.
#[derive(Default)]
struct Shown { header: String, data: Vec<u8> }

impl Shown {
    fn add<T: Real>(&mut self, name: &str, matrix: &Matrix<T>) {
        let begin = self.data.len();
        matrix.data.iter().for_each(|v| v.write_to(&mut self.data));
        let (dtype, end, comma) = (T::DTYPE, self.data.len(), if begin > 0 { "," } else { "" });
        let scalar = name.ends_with("/cost");
        let shape = if scalar { vec![] } else { vec![matrix.rows, matrix.cols] };
        self.header += &format!(r#"{comma}"{name}":{{"dtype":"{dtype}","shape":{shape:?},"#);
        self.header += &format!(r#""data_offsets":[{begin},{end}]}}"#);
    }
    fn write(&self, path: &str) -> Outcome<()> {
        let mut header = format!("{{{}}}", self.header);
        while header.len() % 8 > 0 { header.push(' '); }
        let length = (header.len() as u64).to_le_bytes();
        let file = [&length, header.as_bytes(), &self.data].concat();
        fs::write(path, file).map_err(|error| error.to_string())
    }
}

/// Every step from the recorded parameters, and then all of them from our own.
fn walk<T: Real>(case: &Case) -> Outcome<Shown> {
    let (net, mut shown) = (case.network()?, Shown::default());
    let recorded = |at: String| -> Outcome<Parameters<T>> {
        (2..).zip(net.sizes.windows(2)).map(|(l, n)| Ok((
            case.matrix(&format!("{at}w{l}"), n[1], Some(n[0]))?,
            case.matrix(&format!("{at}b{l}"), n[1], Some(1))?,
        ))).collect()
    };
    for mode in ["", "free/"] {
        let mut parameters = recorded(String::new())?;
        for t in (0..).take_while(|t| case.has(&format!("{t}/x"))) {
            let x = case.matrix(&format!("{t}/x"), net.sizes[0], None)?;
            let y = case.matrix(&format!("{t}/y"), net.sizes[net.sizes.len() - 1], Some(x.cols))?;
            let after = step(&net, &parameters, &x, &y, &mut |name, matrix| {
                shown.add(&format!("{mode}{t}/{name}"), matrix);
            });
            parameters = if mode.is_empty() { recorded(format!("{t}/"))? } else { after };
        }
    }
    Ok(shown)
}

fn stop(place: &str, problem: impl Display) -> ! {
    eprintln!("port: {place}: {problem}");
    process::exit(2)
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, path, out] = &arguments[..] else { stop("usage", "port CASE OUT") };
    let case = Case::read(path).unwrap_or_else(|problem| stop(path, problem));
    let shown = match case.fields.get("dtype").and_then(Json::str) {
        Ok("float64") => walk::<f64>(&case),
        Ok("float32") => walk::<f32>(&case),
        _ => Err("its dtype is neither float64 nor float32".into()),
    };
    let shown = shown.unwrap_or_else(|problem| stop(path, problem));
    shown.write(out).unwrap_or_else(|problem| stop(out, problem));
}
