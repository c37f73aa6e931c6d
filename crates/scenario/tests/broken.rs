//! What is said about files with one mistake each.

use std::fs;
use std::path::Path;

/// Every file in `tests/broken` with its errors; the diff of one mistake is read at a time.
#[test]
fn every_mistake_is_pointed_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = files.map(|file| file.expect("it is readable").path()).collect();
    paths.sort();
    assert!(paths.len() >= 50, "a table of broken files, not {}", paths.len());
    let mut table = String::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are plain");
        let text = fs::read(&path).expect("it is readable");
        let Err(errors) = headcrash_scenario::parse(name, &text) else {
            panic!("{name} is not broken")
        };
        table.push_str(&errors.render(false));
        table.push_str("\n\n");
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("broken", table);
    });
}
