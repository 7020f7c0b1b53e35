//! Random domains in the plane, and the local size of their meshes.

use std::f64::consts::TAU;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{difference, square};

/// The number of nodes below which a domain is a plain polygon: corners of holes would be most of the mesh.
const FEW: usize = 60;

/// A convex polygon with holes.
pub(super) struct Domain {
    /// Corners of the polygon, then of every hole, each anticlockwise.
    pub(super) rings: Vec<Vec<[f64; 2]>>,
    grading: Option<Grading>,
}

/// Edges have `finest` times the full length at the focus; their length grows with the distance from it.
struct Grading {
    focus: [f64; 2],
    /// The radius at which edges start to grow: that of the hole around the focus.
    start: f64,
    /// The distance from there to the edges of full length.
    width: f64,
    finest: f64,
}

impl Domain {
    /// A polygon of 7 to 14 corners on an ellipse of random aspect and direction; in half of
    /// the cases with one or two holes, in two fifths with a mesh that is finer towards a
    /// random point or a hole.
    pub(super) fn random(nodes: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let corners = rng.random_range(7..=14);
        let mut rings = vec![ring([0.0; 2], 1.0, corners, 0.5, &mut rng)];
        let stretch = 1.0 + 1.5 * rng.random::<f64>();
        let (sine, cosine) = (TAU * rng.random::<f64>()).sin_cos();
        // The polygon contains the circle of radius 0.78.
        let lot = if nodes < FEW { 0.0 } else { rng.random::<f64>() };
        let (share, shift): (f64, f64) = (rng.random(), TAU * rng.random::<f64>());
        let holes = match lot {
            ..0.5 => vec![],
            0.5..0.8 => vec![(on_circle(0.45 * share, shift), 0.1 + 0.15 * rng.random::<f64>())],
            _ => [0.0, 0.5]
                .map(|turn| {
                    let center = on_circle(0.4 + 0.1 * share, shift + TAU * turn);
                    (center, 0.08 + 0.1 * rng.random::<f64>())
                })
                .to_vec(),
        };
        for &(center, radius) in &holes {
            let corners = rng.random_range(5..=9);
            rings.push(ring(center, radius, corners, 0.2, &mut rng));
        }
        let place = |[x, y]: [f64; 2]| {
            let x = stretch * x;
            [cosine * x - sine * y, sine * x + cosine * y]
        };
        let graded = nodes >= FEW && rng.random::<f64>() < 0.4;
        let (share, turn): (f64, f64) = (rng.random(), TAU * rng.random::<f64>());
        let (focus, start) = holes.first().copied().unwrap_or((on_circle(0.6 * share.sqrt(), turn), 0.0));
        let grading = graded.then(|| Grading {
            focus: place(focus),
            start,
            width: 0.4 + 0.6 * rng.random::<f64>(),
            finest: 0.2 + 0.3 * rng.random::<f64>(),
        });
        rings.iter_mut().flatten().for_each(|p| *p = place(*p));
        Self { rings, grading }
    }

    /// The area of the polygon without its holes.
    pub(super) fn area(&self) -> f64 {
        let ring = |ring: &Vec<[f64; 2]>| {
            let next = ring.iter().cycle().skip(1);
            ring.iter().zip(next).map(|(p, q)| (p[0] * q[1] - p[1] * q[0]) / 2.0).sum::<f64>()
        };
        let areas: Vec<f64> = self.rings.iter().map(ring).collect();
        areas[0] - areas[1..].iter().sum::<f64>()
    }

    /// Whether the local size varies.
    pub(super) fn is_graded(&self) -> bool {
        self.grading.is_some()
    }

    /// The length of edges at a point, in units of the longest.
    pub(super) fn size(&self, place: [f64; 2]) -> f64 {
        self.grading.as_ref().map_or(1.0, |grading| {
            let distance = square(difference(place, grading.focus)).sqrt();
            let share = ((distance - grading.start) / grading.width).clamp(0.0, 1.0);
            grading.finest + (1.0 - grading.finest) * share
        })
    }
}

/// A polygon in a circle: equal arcs, whose ends are moved by up to `jitter` of an arc.
fn ring(center: [f64; 2], radius: f64, corners: usize, jitter: f64, rng: &mut ChaCha8Rng) -> Vec<[f64; 2]> {
    let turn: f64 = rng.random();
    let mut corner = |k: usize| {
        let share = (k as f64 + turn + jitter * rng.random::<f64>()) / corners as f64;
        let [x, y] = on_circle(radius, TAU * share);
        [center[0] + x, center[1] + y]
    };
    (0..corners).map(&mut corner).collect()
}

fn on_circle(radius: f64, angle: f64) -> [f64; 2] {
    [radius * angle.cos(), radius * angle.sin()]
}
