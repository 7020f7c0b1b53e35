//! A network that is trained on a single matrix.

use super::classical::SHARES;
use crate::error::Result;
use crate::learn::evaluate::Evaluation;
use crate::learn::loss::Loss;
use crate::learn::schwarz_network::{SchwarzNetwork, SchwarzNetworkTraining};
use crate::multigrid::{SchwarzOptions, Smoother};
use crate::solver::Amg;
use crate::sparse::Storage;

/// Steps between two measurements.
const CHECK: usize = 25;
/// Width and blocks of a network that starts at a Robin condition.
const SHAPE: (usize, usize) = (16, 3);
/// Steps of GMRES in the loss and iterations of a measurement, at most.
const LONGEST_SPACE: usize = 40;
const MOST: usize = 150;
/// Right-hand sides of a measurement.
const SIDES: usize = 2;

/// The options of a tuning.
pub(in crate::learn) struct Tuning<'a> {
    pub steps: usize,
    pub rate: f64,
    pub seed: u64,
    /// Called after every step with its number, the number of all and the loss; whether to go on.
    pub observe: &'a mut dyn FnMut(usize, usize, f64) -> bool,
}

/// The values of the finest Schwarz sweep by a network that is trained on this matrix alone, once from the best
/// Robin condition of a scan and once from the network of this crate, and the losses of all steps.
///
/// Interface values that are learned one by one for GMRES get worse before they get better: equal
/// subdomains have equal eigenvalues, which GMRES removes at once, and separate changes of the values
/// separate the eigenvalues. A network changes equal subdomains equally.
pub fn tuned(start: &Amg, tuning: &mut Tuning<'_>) -> Result<Option<(Amg, Vec<f64>)>> {
    let Some(level) = start.hierarchy().levels.first() else { return Ok(None) };
    let Some(Smoother::Schwarz { subdomains, .. }) = level.pre.first() else { return Ok(None) };
    let a = level.a.to_csr();
    let layout = subdomains.layout(a.pattern())?;
    if layout.interface_entries() == 0 {
        return Ok(None);
    }
    let judge = |amg: &Amg| Evaluation::of_krylov(amg.hierarchy(), tuning.seed ^ 0x7e57, (SIDES, MOST));
    let first = judge(start)?;
    let space = (first.iterations.round() as usize).clamp(2, LONGEST_SPACE);
    let (mut best, mut losses) = ((first.by(Loss::Krylov), None), Vec::new());
    let mut share = (f64::INFINITY, 0.0);
    for of in SHARES {
        let values = SchwarzOptions { share: of, ..SchwarzOptions::default() }.interface(&a, subdomains)?;
        let Ok(candidate) = with_values(start, &values) else { continue };
        let cost = judge(&candidate)?.by(Loss::Krylov);
        if cost < share.0 {
            share = (cost, of);
        }
    }
    let fresh = SchwarzNetwork::new(SHAPE.0, SHAPE.1, share.1, tuning.seed);
    let each = tuning.steps.div_ceil(2);
    'starts: for network in [fresh, SchwarzNetwork::shipped()?] {
        let problem = vec![(a.clone(), layout.clone())];
        let mut training = SchwarzNetworkTraining::new(network, problem, tuning.rate, tuning.seed)?
            .iterations(space)
            .batch(1);
        for step in 0..=each {
            if step % CHECK == 0 || step == each {
                let values = training.network().interface(&a, &layout);
                let candidate = values.and_then(|values| with_values(start, values.values()));
                if let Ok(candidate) = candidate {
                    let cost = judge(&candidate)?.by(Loss::Krylov);
                    if cost < best.0 {
                        best = (cost, Some(candidate));
                    }
                }
            }
            if step < each {
                losses.push(training.step(step as f64 / each as f64)?.loss);
                let loss = losses.last().copied().unwrap_or(f64::NAN);
                if !(tuning.observe)(losses.len(), 2 * each, loss) {
                    break 'starts;
                }
            }
        }
    }
    Ok(best.1.map(|amg| (amg, losses)))
}

/// The same hierarchy with other interface values in all Schwarz sweeps of the finest level.
fn with_values(amg: &Amg, values: &[f64]) -> Result<Amg> {
    let mut h = amg.hierarchy().clone();
    let values = Storage::shared(values.to_vec());
    if let Some(level) = h.levels.first_mut() {
        for sweep in level.pre.iter_mut().chain(&mut level.post) {
            if let Smoother::Schwarz { interface, .. } = sweep {
                *interface = values.clone();
            }
        }
    }
    amg.with_hierarchy(h)
}
