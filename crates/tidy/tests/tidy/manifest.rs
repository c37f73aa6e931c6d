//! Manifests, as far as the other modules ask.

use toml::{Table, Value};

use crate::tree;

/// The `Cargo.toml` of one package.
pub(crate) struct Manifest {
    /// Its folder, `.` for the root.
    pub(crate) folder: String,
    /// Its path.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) table: Table,
}

impl Manifest {
    fn read(file: &str) -> Self {
        let text = tree::read(file);
        let table = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let folder = file.strip_suffix("/Cargo.toml").unwrap_or(".").to_owned();
        Self { folder, file: file.to_owned(), text, table }
    }

    pub(crate) fn root() -> Self {
        Self::read("Cargo.toml")
    }

    /// The root and every member, in order of their paths. Workspaces of their own, which the
    /// root excludes, are not among them.
    pub(crate) fn all() -> Vec<Self> {
        let is_member = |file: &&String| {
            let parts: Vec<_> = file.split('/').collect();
            matches!(parts[..], ["Cargo.toml"] | ["fuzz" | "crates", .., "Cargo.toml"])
                && parts.len() <= 3
        };
        tree::files().iter().filter(is_member).map(|file| Self::read(file)).collect()
    }

    /// A value by its path of keys.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    pub(crate) fn strings(&self, path: &[&str]) -> Vec<&str> {
        let list = self.get(path).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The packages it is built from, without those only its tests need.
    pub(crate) fn dependencies(&self) -> Vec<&str> {
        let mut tables = vec![&self.table];
        let targets = self.get(&["target"]).and_then(Value::as_table);
        tables.extend(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
        let kinds = ["dependencies", "build-dependencies"];
        let of_kinds = tables.iter().flat_map(|table| kinds.map(|kind| table.get(kind)));
        let entries = of_kinds.flatten().filter_map(Value::as_table).flatten();
        entries.map(|(name, value)| package_of(name, value)).collect()
    }

    /// `file:line: `, of the line with this text.
    pub(crate) fn at(&self, needle: &str) -> String {
        format!("{}:{}: ", self.file, tree::line_of(&self.text, needle))
    }
}

fn package_of<'a>(name: &'a str, value: &'a Value) -> &'a str {
    value.get("package").and_then(Value::as_str).unwrap_or(name)
}
