//! Soft colours of regions, distinct for adjacent ones.

use std::collections::{BTreeMap, BTreeSet};

use super::style::Rgb;

/// Soft colours, light enough for dark lines on them.
const SHADES: [Rgb; 8] = [
    Rgb(158, 202, 225),
    Rgb(253, 200, 140),
    Rgb(170, 219, 152),
    Rgb(242, 164, 164),
    Rgb(200, 182, 226),
    Rgb(250, 236, 150),
    Rgb(140, 211, 199),
    Rgb(217, 191, 165),
];

/// The label of points without a region.
pub(super) const NOBODY: Rgb = Rgb(232, 232, 232);

/// A colour for every label: greedy, those with most neighbours first; each gets the colour that is rarest
/// around it, then rarest so far.
pub(super) fn shades(labels: &[u32], groups: &[Vec<u32>]) -> BTreeMap<u32, Rgb> {
    let mut around: BTreeMap<u32, BTreeSet<u32>> = labels.iter().map(|&l| (l, BTreeSet::new())).collect();
    for group in groups {
        let mut here: Vec<u32> = group.iter().filter_map(|&i| labels.get(i as usize).copied()).collect();
        here.sort_unstable();
        here.dedup();
        for &own in here.iter().filter(|_| here.len() > 1) {
            around.entry(own).or_default().extend(here.iter().filter(|&&l| l != own));
        }
    }
    let mut order: Vec<u32> = around.keys().copied().collect();
    order.sort_by_key(|l| (std::cmp::Reverse(around[l].len()), *l));
    let mut chosen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut uses = [0; SHADES.len()];
    for label in order {
        let near = |shade: usize| around[&label].iter().filter(|l| chosen.get(l) == Some(&shade)).count();
        let best = (0..SHADES.len()).min_by_key(|&shade| (near(shade), uses[shade], shade)).unwrap_or(0);
        uses[best] += 1;
        chosen.insert(label, best);
    }
    chosen.into_iter().map(|(label, shade)| (label, SHADES[shade])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_and_all_colours_are_used() {
        let n = 20;
        let labels: Vec<u32> = (0..n * n).collect();
        let at = |x: u32, y: u32| x + n * y;
        let groups: Vec<Vec<u32>> = (0..n - 1)
            .flat_map(|y| {
                (0..n - 1).map(move |x| vec![at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)])
            })
            .collect();
        let shades = shades(&labels, &groups);
        for group in &groups {
            for pair in [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] {
                assert_ne!(shades[&group[pair[0]]], shades[&group[pair[1]]]);
            }
        }
        assert!(SHADES.iter().all(|shade| shades.values().any(|s| s == shade)));
    }

    #[test]
    fn more_neighbours_than_colours_are_shared_out() {
        let labels: Vec<u32> = (0..16).collect();
        let shades = shades(&labels, std::slice::from_ref(&labels));
        assert!(SHADES.iter().all(|shade| shades.values().filter(|s| *s == shade).count() == 2));
    }
}
