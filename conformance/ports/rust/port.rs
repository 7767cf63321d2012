//! A port of the network to Rust: reads a recorded case, walks its steps, writes what it computes.
//!
//!     rustc -O --edition 2021 port.rs && ./port CASE.safetensors OUT.safetensors
//!
//! The format of a case is described in fixtures/README.md, what is written in ../README.md. The
//! standard library alone; the network, generic in f64 and f32, is in network.rs. Exit status 2
//! and one line on stderr if something is wrong with the input, 77 if the case is of a network that
//! is not written here. `PORT_BREAK=1` makes a known mistake.

mod json;
mod network;

use json::Json;
use network::{step, Activation, Cost, Matrix, Network, Parameters, Real};
use std::fmt::Display;
use std::{env, fs, process};

type Outcome<T> = Result<T, String>;

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
        if sizes.len() < 2 {
            return Err(format!("no network: sizes {sizes:?}"));
        }
        let cost = Cost::named(cost).unwrap_or_else(|| decline(cost));
        let activations = match self.fields.get("activations") {
            Err(_) => vec![Activation::Sigmoid; sizes.len() - 1],
            Ok(names) => names.list()?.iter().map(|each| each.str().map(|name| {
                Activation::named(name).unwrap_or_else(|| decline(name))
            })).collect::<Outcome<_>>()?,
        };
        if let Ok(update) = self.fields.get("update") {
            decline(update.str()?); // than the book's
        }
        if activations.len() != sizes.len() - 1 {
            return Err(format!("{} activations of sizes {sizes:?}", activations.len()));
        }
        let field = |name| self.fields.get(name)?.number();
        let (eta, decay) = (field("eta")?, (field("lmbda")?, field("n")?));
        let broken = env::var_os("PORT_BREAK").is_some();
        Ok(Network { sizes, activations, cost, eta, decay, broken })
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

/// A case with an activation, a cost or an update that is not written here.
fn decline(name: &str) -> ! {
    eprintln!("port: {name} is not written here");
    process::exit(77)
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
