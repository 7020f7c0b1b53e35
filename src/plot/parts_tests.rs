//! Parts of meshes, grids and points are drawn; what is wrong is named.

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
fn a_mesh_is_one_polygon_per_part() {
    let (mesh, parts, ring) = parted(300, 1, 6);
    let plot = PartsPlot::new("six parts", &mesh.points, &mesh.triangles, &parts).unwrap();
    let svg = plot.render_svg().unwrap();
    assert_eq!(fills(&svg), 6);
    assert!(svg.contains("six parts") && svg.len() < 200_000, "{}", svg.len());
    assert_eq!(svg, plot.render_svg().unwrap());
    let more = plot.outline(&ring).unwrap().render_svg().unwrap();
    assert!(more.contains("#0072B2") && !svg.contains("#0072B2"));
    let by_triangle: Vec<u32> = mesh.triangles.iter().map(|t| parts[t[0] as usize]).collect();
    let plot = PartsPlot::of_triangles("", &mesh.points, &mesh.triangles, &by_triangle).unwrap();
    assert_eq!(fills(&plot.outline(&ring).unwrap().render_svg().unwrap()), 6);
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
        (1..65).map(|k| f64::from(k)).map(|k| [(k * 0.618).fract(), (k * 0.755).fract()]).collect();
    let plot = PartsPlot::new("", &cloud, &[], &parts).unwrap().outline(&[1, 2]).unwrap();
    let svg = plot.render_svg().unwrap();
    assert_eq!((fills(&svg), svg.matches("<circle").count()), (0, 64));
}

#[test]
fn odd_pictures_are_drawn() {
    let triangle = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let none = PartsPlot::NONE;
    let cases: [(&[[f64; 2]], &[[u32; 3]], &[u32]); 7] = [
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

#[test]
fn picture() {
    let (mesh, parts, ring) = parted(2000, 1, 20);
    let plot = PartsPlot::new("20 parts of a random mesh", &mesh.points, &mesh.triangles, &parts).unwrap();
    let plot = plot.outline(&ring).unwrap();
    plot.write("parts.svg").unwrap();
    plot.write("parts_direct.png").unwrap();
}
