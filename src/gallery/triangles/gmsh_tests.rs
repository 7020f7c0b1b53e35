//! Gmsh files of both versions are read; any defect of a file is an error, never a panic.

use super::*;

/// A square of four triangles with marks and an unused node, tags out of order.
const TWO: &str = "$MeshFormat
2.2 0 8
$EndMeshFormat
$PhysicalNames
1
1 1 \"wall\"
$EndPhysicalNames
$Nodes
6
10 0 0 1
4 1 0 1
7 1 1 1
8 0 1 1
99 5 5 5
3 0.5 5e-1 1
$EndNodes
$Elements
6
1 15 2 1 1 10
2 1 2 1 1 10 4
3 2 2 0 1 10 4 3
4 2 2 0 1 4 7 3
5 2 0 7 8 3
6 2 1 0 3 10 8
$EndElements
";

const FOUR: &str = "$MeshFormat
4.1 0 8
$EndMeshFormat
$Entities
0 0 1 0
1 0 0 0 1 1 0 0 0
$EndEntities
$Nodes
3 6 3 99
1 1 1 2
10
4
0 0 1 0.5
1 0 1 0.7

2 1 0 3
7
8
99
1 1 1
0 1 1
5 5 5
2 2 0 1
3
0.5 5e-1 1
$EndNodes
$Elements
2 5 1 6
1 1 1 1
2 10 4
2 1 2 4
3 10 4 3
4 4 7 3
5 7 8 3
6 3 10 8
$EndElements
";

#[test]
fn both_versions_give_the_mesh() -> Result<()> {
    for text in [TWO, FOUR] {
        let mesh = parse(text.as_bytes())?;
        assert_eq!(mesh.points, [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5]]);
        // The last one runs clockwise in the file.
        assert_eq!(mesh.triangles, [[0, 1, 4], [1, 2, 4], [2, 3, 4], [4, 3, 0]]);
        assert_eq!(mesh.free(), [4]);
        assert_eq!(parse(text.replace('\n', "\r\n").as_bytes())?, mesh);
    }
    Ok(())
}

#[test]
fn every_beginning_of_a_file_is_an_error() {
    for text in [TWO, FOUR] {
        let end = text.rfind("$EndElements").unwrap() + "$EndElements".len();
        for length in 0..end {
            assert!(parse(&text.as_bytes()[..length]).is_err(), "{length} bytes");
        }
        assert!(parse(&text.as_bytes()[..end]).is_ok());
    }
}

/// Any changed byte, line or field gives an error or a consistent mesh.
#[test]
fn damaged_files_do_not_panic() {
    let read = |bytes: &[u8]| {
        if let Ok(mesh) = parse(bytes) {
            assert!(TriangleMesh::new(mesh.points.clone(), mesh.triangles.clone()).is_ok());
            drop(mesh.diffusion(0.0, |_| 1.0));
        }
    };
    for text in [TWO, FOUR] {
        for place in 0..text.len() {
            for byte in [0, b'\n', b' ', b'$', b'-', b'0', b'9', b'e', 0xff] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[place] = byte;
                read(&bytes);
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        for line in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(line);
            read(fewer.join("\n").as_bytes());
            for other in
                ["", "$EndNodes", "18446744073709551615", "1 18446744073709551615 1 1", "1 1 1 1 1 1 1"]
            {
                let mut changed = lines.clone();
                changed[line] = other;
                read(changed.join("\n").as_bytes());
            }
        }
    }
}

#[test]
fn messages_say_what_is_wrong_and_where() {
    let fails = |text: &str, (old, new): (&str, &str), message: &str| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        let error = parse(text.replace(old, new).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    for text in [TWO, FOUR] {
        fails(text, (" 0 8\n", " 1 8\n"), "line 2: a binary file");
        fails(text, (" 0 8\n", " 0\n"), "line 2");
        fails(text, ("$MeshFormat", "$Mesh"), "the file ends within $Mesh");
        fails(text, ("$EndMeshFormat", "$MeshFormat"), "expected $EndMeshFormat");
        fails(text, ("$Nodes\n", "$Points\n"), "within $Points");
        fails(text, ("$EndNodes\n", ""), "expected $EndNodes, found '$Elements'");
    }
    fails(TWO, ("2.2 0", "2.1 0"), "MSH version 2.1");
    fails(FOUR, ("4.1 0", "4.0 0"), "MSH version 4.0");
    fails(TWO, ("99 5 5 5", "10 5 5 5"), "line 14: node 10 is there twice");
    fails(TWO, ("0.5 5e-1 1", "0.5 nan 1"), "line 15: 'nan' is not a finite number");
    fails(TWO, ("0.5 5e-1 1", "0.5 5e-1 1.1"), "different z");
    fails(TWO, ("0.5 5e-1 1", "0.5 5e-1"), "line 15: expected tag, x, y and z");
    fails(TWO, ("0 1 4 7 3", "0 1 4 7 12"), "line 22: there is no node 12");
    fails(TWO, ("0 1 4 7 3", "0 1 4 7"), "line 22: an element of type 2 with 2 nodes");
    fails(TWO, ("5 2 0 7 8 3", "5 3 0 7 8 3 4"), "an element of type 3");
    fails(TWO, ("5 2 0 7 8 3", "5 2 9 7 8 3"), "line 23: expected tag, type");
    fails(TWO, ("5 2 0 7 8 3", "5 2 0 10 4 3"), "triangles 1 and 3 overlap");
    fails(FOUR, ("3 6 3 99", "3 7 3 99"), "6 nodes in blocks, but the section declares 7");
    fails(FOUR, ("2 5 1 6", "2 4 1 6"), "5 elements in blocks");
    fails(FOUR, ("2 1 2 4", "2 1 2 5"), "ends too early, with '$EndElements'");
    fails(FOUR, ("2 1 2 4", "2 1 9 4"), "an element of type 9");
    assert!(parse(b"").unwrap_err().to_string().contains("no section $MeshFormat"));
    assert!(parse(b"\x89PNG\r\n").unwrap_err().to_string().contains("not text"));
    assert!(parse(b"solid").unwrap_err().to_string().contains("beginning of a section"));
    let twice = format!("{TWO}{}", &TWO[TWO.find("$Nodes").unwrap()..]);
    assert!(parse(twice.as_bytes()).unwrap_err().to_string().contains("a second $Nodes"));
    assert!(TriangleMesh::read_gmsh("no/such.msh").unwrap_err().is_io());
}

#[test]
fn what_was_written_is_read_bit_for_bit() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.msh");
    for scale in [1.0, 1e-30, 1e30] {
        let mut mesh = crate::gallery::random_triangle_mesh(90, 2)?;
        mesh.points.iter_mut().flatten().for_each(|x| *x *= scale);
        mesh.write_gmsh(&path)?;
        assert_eq!(TriangleMesh::read_gmsh(&path)?, mesh);
    }
    let truncated = std::fs::read(&path).unwrap();
    std::fs::write(&path, &truncated[..truncated.len() / 2]).unwrap();
    let message = TriangleMesh::read_gmsh(&path).unwrap_err();
    assert!(message.is_format() && message.to_string().contains("a.msh: "), "{message}");
    let mesh = crate::gallery::random_triangle_mesh(90, 2)?;
    assert!(mesh.write_gmsh(folder.path().join("no/a.msh")).unwrap_err().is_io());
    Ok(())
}

/// Points, triangles, unknowns and holes of the stored meshes, and whether sizes differ much.
#[test]
fn the_stored_meshes_are_read() -> Result<()> {
    let folder = Path::new("meshes");
    for (name, points, triangles, free, holes, graded) in [
        ("polygon_two_holes", 746, 1369, 621, 2, false),
        ("polygon_graded", 584, 1095, 513, 0, true),
        ("polygon_graded_hole", 840, 1539, 699, 1, true),
    ] {
        let mesh = TriangleMesh::read_gmsh(folder.join(name).with_extension("msh"))?;
        let problem = mesh.diffusion(1.0, |_| 1.0)?;
        assert_eq!((mesh.points.len(), mesh.triangles.len(), problem.rhs.len()), (points, triangles, free));
        // Closed lines have as many edges as points, and Euler's formula counts the holes.
        let edges = (3 * triangles + points - free) / 2;
        assert_eq!(points + triangles + holes, edges + 1, "{name}");
        assert!(super::super::super::testing::is_positive_definite(&problem.matrix));
        let areas = mesh.triangles.iter().filter_map(|&t| mesh.corners(t)).map(super::super::twice_area);
        let (low, high) = areas.fold((f64::MAX, 0.0f64), |(lo, hi), a| (lo.min(a), hi.max(a)));
        assert_eq!(high > 10.0 * low, graded, "{name}: {low} to {high}");
    }
    Ok(())
}
