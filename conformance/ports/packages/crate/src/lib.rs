//! The recorded cases: [`cases`] lists them, [`read`] gives the numbers of one.
//!
//! Everything is in the library: no file is read when a test runs.

mod json;

use json::Json;
use std::collections::BTreeMap;
use std::sync::OnceLock;

type Outcome<T> = Result<T, String>;

const INDEX: &str = include_str!("../cases.json");
const BYTES: &[u8] = include_bytes!("../cases.bin");

/// The version of the corpus, which is that of this package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The description of a case; see the README for its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub id: String,
    pub sizes: Vec<usize>,
    /// Of the layers 2 to L.
    pub activations: Vec<String>,
    pub cost: String,
    /// sgd, momentum, nesterov, rmsprop, adam or adamw.
    pub update: String,
    /// Of the update: mu, rho, epsilon, those that it has.
    pub constants: BTreeMap<String, f64>,
    pub eta: f64,
    pub lmbda: f64,
    /// The size of the training set, by which lmbda is divided.
    pub n: usize,
    /// float64 or float32.
    pub dtype: String,
    /// The samples of the mini-batch of each step.
    pub batches: Vec<Vec<usize>>,
    pub why: String,
    /// Known mistakes that the case shows.
    pub catches: Vec<String>,
    /// The names of what a step computes, in causal order.
    pub quantities: Vec<String>,
}

/// A matrix, row-major; the numbers of a float32 case are doubles too, and exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Rows and columns; empty of the cost.
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

/// Every case, without its numbers.
pub fn cases() -> Vec<Case> {
    listed().iter().map(|each| described(each).expect(DAMAGED)).collect()
}

/// The tensors of a case by their names: `w2`, `0/x`, `0/z2`, `bound/0/z2`, …; `None` if there is none.
pub fn read(id: &str) -> Option<BTreeMap<String, Tensor>> {
    let found = listed().iter().find(|each| each.get("id").and_then(Json::str) == Ok(id))?;
    Some(numbers(found).expect(DAMAGED))
}

const DAMAGED: &str = "cases.json and cases.bin are as they were exported";

fn listed() -> &'static [Json] {
    static LISTED: OnceLock<Vec<Json>> = OnceLock::new();
    LISTED.get_or_init(|| {
        let index = Json::parse(INDEX).expect(DAMAGED);
        let version = index.get("schema_version").and_then(Json::number);
        assert_eq!(version, Ok(1.0), "another schema version than 1");
        let Json::Object(mut index) = index else { panic!("{DAMAGED}") };
        let Some(Json::List(cases)) = index.remove("cases") else { panic!("{DAMAGED}") };
        cases
    })
}

fn described(case: &Json) -> Outcome<Case> {
    let text = |name| Ok::<_, String>(case.get(name)?.str()?.to_string());
    let number = |name| case.get(name)?.number();
    let texts = |name| -> Outcome<Vec<String>> {
        case.get(name)?.list()?.iter().map(|each| Ok(each.str()?.to_string())).collect()
    };
    Ok(Case {
        id: text("id")?,
        sizes: case.get("sizes")?.sizes()?,
        activations: texts("activations")?,
        cost: text("cost")?,
        update: text("update")?,
        constants: constants(case.get("constants")?)?,
        eta: number("eta")?,
        lmbda: number("lmbda")?,
        n: number("n")? as usize,
        dtype: text("dtype")?,
        batches: case.get("batches")?.list()?.iter().map(Json::sizes).collect::<Outcome<_>>()?,
        why: text("why")?,
        catches: texts("catches")?,
        quantities: texts("quantities")?,
    })
}

fn constants(values: &Json) -> Outcome<BTreeMap<String, f64>> {
    let Json::Object(values) = values else { return Err("no constants".into()) };
    values.iter().map(|(name, value)| Ok((name.clone(), value.number()?))).collect()
}

fn numbers(case: &Json) -> Outcome<BTreeMap<String, Tensor>> {
    let width = if case.get("dtype")?.str()? == "float32" { 4 } else { 8 };
    let mut rest = &BYTES[case.get("offset")?.number()? as usize..];
    let mut tensors = BTreeMap::new();
    for each in case.get("tensors")?.list()? {
        let [name, shape, tolerance @ ..] = each.list()? else { return Err("no tensor".into()) };
        let (name, shape) = (name.str()?, shape.sizes()?);
        let mut add = |name: String| {
            let (own, after) = rest.split_at(shape.iter().product::<usize>() * width);
            rest = after;
            let data = own.chunks_exact(width).map(double).collect();
            tensors.insert(name, Tensor { shape: shape.clone(), data });
        };
        add(name.to_string());
        if !tolerance.is_empty() {
            add(format!("bound/{name}"));
        }
    }
    Ok(tensors)
}

/// A number of 4 or 8 bytes.
fn double(bytes: &[u8]) -> f64 {
    match bytes.try_into() {
        Ok(wide) => f64::from_le_bytes(wide),
        Err(_) => f32::from_le_bytes(bytes.try_into().expect("4 bytes or 8")).into(),
    }
}
