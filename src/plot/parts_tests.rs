//! Plots of parts of meshes, grids and points, and their errors.

use super::*;
use crate::gallery::{TriangleMesh, random_triangle_mesh};
use crate::schwarz::partition;

fn grid(n: u32) -> Vec<[f64; 2]> {
    (0..n * n).map(|k| [f64::from(k % n), f64::from(k / n)]).collect()
}

fn fills(svg: &str) -> usize {
    svg.matches("<polygon").count()
}

/// A mesh, the parts of all its points, and the first part with its neighbours.
fn parted(nodes: usize, seed: u64, count: usize) -> (TriangleMesh, Vec<u32>, Vec<u32>) {
    let mesh = random_triangle_mesh(nodes, seed).unwrap();
    let matrix = mesh.diffusion(0.0, |_| 1.0).unwrap().matrix;
    let parts = mesh.on_all_points(&partition(matrix.pattern(), count).unwrap()).unwrap();
    let first = |v: &u32| parts[*v as usize] == 0;
    let mut ring: Vec<u32> =
        mesh.triangles.iter().filter(|t| t.iter().any(first)).flatten().copied().collect();
    ring.sort_unstable();
    ring.dedup();
    (mesh, parts, ring)
}

#[test]
fn a_mesh_is_one_polygon_per_ring() {
    let (mesh, parts, ring) = parted(300, 1, 6);
    let plot = PartsPlot::new("six parts", &mesh.points, &mesh.triangles, &parts).unwrap();
    let svg = plot.render_svg().unwrap();
    let ground = Ground::Vertices { points: mesh.points.clone(), triangles: mesh.triangles.clone() };
    let regions = ground.regions(&parts);
    assert_eq!((regions.len(), fills(&svg)), (6, regions.values().flatten().count()));
    // Every part is drawn exactly once.
    let total: f64 = regions.values().flatten().map(area).sum();
    assert!((total / mesh.area() - 1.0).abs() < 1e-12, "{total}");
    assert!(svg.contains("six parts") && svg.len() < 200_000, "{}", svg.len());
    assert_eq!(svg, plot.render_svg().unwrap());
    let more = plot.outline(&ring).unwrap().render_svg().unwrap();
    assert!(more.contains("#0072B2") && !svg.contains("#0072B2"));
    let by_triangle: Vec<u32> = mesh.triangles.iter().map(|t| parts[t[0] as usize]).collect();
    let plot = PartsPlot::of_triangles("", &mesh.points, &mesh.triangles, &by_triangle).unwrap();
    assert!(fills(&plot.outline(&ring).unwrap().render_svg().unwrap()) >= 6);
}

#[test]
fn both_formats_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let plot = PartsPlot::new("", &grid(6), &[], &[0; 36]).unwrap();
    for name in ["a.svg", "a.png"] {
        plot.write(folder.path().join(name)).unwrap();
    }
    assert!(plot.write(folder.path().join("a.pdf")).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn grids_become_cells_and_points_dots() {
    let parts: Vec<u32> = (0..64).map(|k| k % 8 / 4 + k / 32 * 2).collect();
    let svg = PartsPlot::new("", &grid(8), &[], &parts).unwrap().render_svg().unwrap();
    assert_eq!((fills(&svg), svg.matches("<circle").count()), (4, 0));
    let cloud: Vec<[f64; 2]> =
        (1..65).map(f64::from).map(|k| [(k * 0.618).fract(), (k * 0.755).fract()]).collect();
    let plot = PartsPlot::new("", &cloud, &[], &parts).unwrap().outline(&[1, 2]).unwrap();
    let svg = plot.render_svg().unwrap();
    assert_eq!((fills(&svg), svg.matches("<circle").count()), (0, 64));
}

/// Part 1 around part 2 around a hole of the grid, all within part 0.
#[test]
fn what_is_within_is_filled_later() {
    let ring = |p: &[f64; 2]| (p[0] - 4.0).abs().max((p[1] - 4.0).abs()) as u32;
    let points: Vec<[f64; 2]> = grid(9).into_iter().filter(|p| ring(p) > 0).collect();
    let parts: Vec<u32> = points.iter().map(|p| [2, 2, 1, 0, 0][ring(p) as usize]).collect();
    let ground = Ground::of_points(&points);
    let regions = ground.regions(&parts);
    let order: Vec<_> = from_large_to_small(&regions).into_iter().map(|(part, r)| (part, area(r))).collect();
    let expected =
        [(Some(0), 81.0), (None, -25.0), (Some(1), 25.0), (None, -9.0), (Some(2), 9.0), (None, -1.0)];
    assert_eq!(order, expected);
    let svg = PartsPlot::new("", &points, &[], &parts).unwrap().render_svg().unwrap();
    assert_eq!(fills(&svg), 6);
}

#[test]
fn odd_pictures_are_drawn() {
    let triangle = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let none = PartsPlot::NONE;
    type Case<'a> = (&'a [[f64; 2]], &'a [[u32; 3]], &'a [u32]);
    let cases: [Case<'_>; 7] = [
        (&triangle, &[[0, 2, 1]], &[0, 1, none]),
        (&triangle, &[[0, 0, 0], [0, 1, 1], [0, 1, 2], [0, 1, 2]], &[0, 1, 1]),
        (&triangle, &[], &[none; 3]),
        (&triangle[..1], &[], &[3]),
        (&[[1e9, 1e9], [1e9, 1e9]], &[], &[0, 1]),
        (&[[0.0, 1e-140], [1e140, -5.0], [1e14, 0.0]], &[], &[0, 1, 2]),
        (&[[0.0, 0.0], [1e150, 0.0], [0.0, 1e150]], &[[0, 1, 2]], &[0, 1, 2]),
    ];
    for (points, triangles, parts) in cases {
        let plot = PartsPlot::new("", points, triangles, parts).unwrap().outline(&[0]).unwrap();
        let svg = plot.render_svg().unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}

#[test]
fn bad_input_is_named() {
    let points = grid(2);
    let e = PartsPlot::new("", &points, &[], &[0, 1]).unwrap_err();
    assert!(e.is_dimension() && e.to_string().contains("4 points"), "{e}");
    assert!(PartsPlot::new("", &[], &[], &[]).unwrap_err().is_invalid_input());
    assert!(PartsPlot::of_triangles("", &points, &[], &[]).unwrap_err().is_invalid_input());
    assert!(PartsPlot::of_triangles("", &points, &[[0, 1, 2]], &[0; 4]).unwrap_err().is_dimension());
    let e = PartsPlot::new("", &points, &[[0, 1, 2], [1, 2, 4]], &[0; 4]).unwrap_err();
    assert!(e.to_string().contains("triangle 2"), "{e}");
    let e = PartsPlot::new("", &[[0.0, 0.0], [f64::NAN, 1.0]], &[], &[0; 2]).unwrap_err();
    assert!(e.to_string().contains("point 2"), "{e}");
    let plot = PartsPlot::new("", &points, &[], &[0; 4]).unwrap();
    assert!(plot.outline(&[u32::MAX]).unwrap_err().to_string().contains("4294967296"));
}
