//! The test of the port, as in fixtures/README.md, on the package of the recorded cases.

use backprop_fixtures::{cases, read, Case, Tensor};
use network::{step, Activation, Cost, Matrix, Network, Parameters, Real};
use std::collections::BTreeMap;

/// The network of a case; `None` if it has an activation, a cost or an update that is not written.
fn network(case: &Case) -> Option<Network> {
    let (sizes, decay) = (case.sizes.clone(), (case.lmbda, case.n as f64));
    let named = case.activations.iter().map(|name| Activation::named(name));
    let activations = named.collect::<Option<Vec<_>>>()?;
    let broken = std::env::var_os("PORT_BREAK").is_some();
    let cost = Cost::named(&case.cost).filter(|_| case.update == "sgd")?;
    Some(Network { sizes, activations, cost, eta: case.eta, decay, broken })
}

fn matrix<T: Real>(tensor: &Tensor) -> Matrix<T> {
    let data = tensor.data.iter().map(|&v| T::of(v)).collect(); // of a float32 case exact too
    Matrix { rows: tensor.shape[0], cols: tensor.shape[1], data }
}

/// The first quantity in causal order that is wrong, in whatever step.
fn first_wrong<T: Real>(net: &Network, case: &Case) -> Option<String> {
    let tensors = read(&case.id).expect("it is listed");
    let parameters = |at: String| -> Parameters<T> {
        let of = |kind, l| matrix(&tensors[&format!("{at}{kind}{l}")]);
        (2..=net.sizes.len()).map(|l| (of("w", l), of("b", l))).collect()
    };
    for t in 0..case.batches.len() {
        let start = parameters(if t > 0 { format!("{}/", t - 1) } else { String::new() });
        let (x, y) = (matrix(&tensors[&format!("{t}/x")]), matrix(&tensors[&format!("{t}/y")]));
        let mut shown: BTreeMap<String, Matrix<T>> = BTreeMap::new();
        step(net, &start, &x, &y, &mut |name, value| { shown.insert(name, value.clone()); });
        for name in &case.quantities {
            let (right, yours) = (&tensors[&format!("{t}/{name}")], &shown[name]);
            let tolerance = &tensors[&format!("bound/{t}/{name}")].data;
            let right_shape = right.shape.is_empty() || right.shape == [yours.rows, yours.cols];
            let near = |e: usize| (yours.data[e].into() - right.data[e]).abs() <= tolerance[e];
            if !right_shape || !(0..right.data.len()).all(near) { // NaN is not near
                return Some(format!("{t}/{name}"));
            }
        }
    }
    None
}

#[test]
fn every_step_of_every_case_is_within_its_tolerance() {
    let (mut compared, mut wrong) = (0, vec![]);
    for case in cases() {
        let Some(net) = network(&case) else { continue };
        let first = if case.dtype == "float32" { first_wrong::<f32> } else { first_wrong::<f64> };
        wrong.extend(first(&net, &case).map(|name| format!("{}: {name}", case.id)));
        compared += 1;
    }
    println!("{compared} cases compared");
    assert!(compared > 0, "nothing was compared");
    assert!(wrong.is_empty(), "first wrong in {}", wrong.join(", "));
}
