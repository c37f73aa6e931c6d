//! What QEMU makes of a file name and options, as far as blkdebug is concerned.
//!
//! Source: `bdrv_fill_options`, `bdrv_open_inherit` and `bdrv_open_child` of `block.c`, and the
//! `open` functions of the drivers.

use headcrash_engine::Dialect;

use super::dict::Dict;
use super::error::OpenError;
use super::json::{self, Value};
use super::options::{self, Options};
use super::spec::{ImageSpec, Limits, Node, Spec};
use super::{MAX_LEN, filename, value};

/// Opens a bare file name, its format unknown.
pub(super) fn filename(text: &str, dialect: Dialect) -> Result<Spec, OpenError> {
    if text.len() > MAX_LEN {
        return Err(OpenError::TooLong);
    }
    let place = Place { dialect, prefix: "", depth: 0, protocol: false };
    place.open(Some(text.to_owned()), Dict::new()).map(Layer::into_spec)
}

/// Opens options alone.
pub(super) fn options(options: Options, dialect: Dialect) -> Result<Spec, OpenError> {
    let place = Place { dialect, prefix: "", depth: 0, protocol: false };
    place.open(None, options).map(Layer::into_spec)
}

/// A node and all below it.
struct Layer {
    spec: Spec,
    /// `request_alignment`, in bytes.
    align: u64,
}

impl Layer {
    fn into_spec(self) -> Spec {
        self.spec
    }

    const fn upon(image: ImageSpec, left_out: Vec<String>) -> Self {
        Self { spec: Spec { raw: false, nodes: Vec::new(), image, left_out }, align: 1 }
    }
}

/// Where a node is to be opened.
struct Place<'a> {
    dialect: Dialect,
    /// What the names of its options begin with, seen from the top.
    prefix: &'a str,
    /// How many nodes are above, but for a raw one at the top.
    depth: usize,
    /// Whether a node without a driver is a protocol's (else its format is probed).
    protocol: bool,
}

impl Place<'_> {
    fn open(&self, name: Option<String>, mut options: Options) -> Result<Layer, OpenError> {
        // The image may be below as many nodes as there may be.
        if self.depth > Spec::MAX_NODES {
            return Err(OpenError::TooDeep);
        }
        let mut name = name;
        if let Some(json) = name.as_deref().and_then(|name| name.strip_prefix("json:")) {
            options.join(json::flat(json, self.dialect == Dialect::Qemu10)?);
            name = None;
        }
        let mut left_out = self.take_generic(&mut options);
        let driver = options.remove("driver");
        let driver = driver.as_ref().and_then(Value::text);
        let protocol = driver.map_or(self.protocol, |driver| driver != "raw");
        if !protocol {
            return self.open_raw(name, copied(options), left_out, driver.is_none());
        }
        // A name that comes as an option is taken as it is; one that comes from outside may have
        // a prefix.
        let parse = name.is_some();
        if let Some(name) = name {
            if options.get("filename").is_some() {
                return Err(OpenError::TwoFilenames);
            }
            options.put("filename".to_owned(), Value::Text(name));
        }
        let mut options = copied(options);
        let name = options.get("filename").and_then(Value::text).unwrap_or_default().to_owned();
        let named = driver.is_some();
        let driver = match driver {
            Some(driver) => driver,
            None if options.get("filename").and_then(Value::text).is_none() => {
                return Err(OpenError::NoDriver);
            }
            None if parse => filename::driver(&name)?,
            None => "file",
        };
        match driver {
            "blkdebug" => {
                if parse {
                    options.remove("filename");
                    self.take_filename(&name, &mut options)?;
                }
                self.open_blkdebug(options, left_out)
            }
            "file" => {
                options.remove("filename");
                let name = match name.strip_prefix("file:").filter(|_| parse) {
                    Some(rest) if filename::protocol(rest).is_some() => format!("./{rest}"),
                    Some(rest) => rest.to_owned(),
                    None => name,
                };
                if name.is_empty() {
                    return Err(OpenError::NoFilename("file"));
                }
                left_out.extend(self.take(&mut options, &FILE_OPTIONS));
                done("file", &options)?;
                Ok(Layer::upon(ImageSpec::File(name), left_out))
            }
            "null-co" => {
                if parse {
                    options.remove("filename");
                    if name != "null-co://" {
                        return Err(OpenError::NullFilename);
                    }
                }
                let image = self.null(&mut options)?;
                left_out.extend(self.take(&mut options, &["latency-ns"]));
                done("null-co", &options)?;
                Ok(Layer::upon(image, left_out))
            }
            other if named => {
                let image = other_image(other, parse, options)?;
                Ok(Layer::upon(ImageSpec::Other(image), left_out))
            }
            _ => {
                options.remove("filename");
                if !options.is_empty() {
                    return Err(OpenError::Unsupported(format!("{name} with options")));
                }
                Ok(Layer::upon(ImageSpec::Other(name), left_out))
            }
        }
    }

    /// A format node: raw, or none named and probed to be raw.
    fn open_raw(
        &self,
        name: Option<String>,
        mut options: Options,
        mut left_out: Vec<String>,
        probed: bool,
    ) -> Result<Layer, OpenError> {
        // Only the topmost is free; raw nodes upon raw nodes are a stack like any other.
        let depth = self.depth + usize::from(!self.prefix.is_empty());
        let child = self.child("file", name, &mut options, depth);
        let mut child = match child {
            Err(OpenError::NoChild(_)) if probed => return Err(OpenError::NoDriver),
            child => child?,
        };
        if let Some(key) = ["size", "offset"].iter().find(|key| options.get(key).is_some()) {
            return Err(OpenError::Unsupported(format!("option '{key}' of raw")));
        }
        if let Some(key) = options.first() {
            return Err(OpenError::FormatOption { driver: "raw", key: key.to_owned() });
        }
        left_out.append(&mut child.spec.left_out);
        child.spec.raw = true;
        child.spec.left_out = left_out;
        Ok(child)
    }

    /// `blkdebug_parse_filename`.
    fn take_filename(&self, name: &str, options: &mut Options) -> Result<(), OpenError> {
        let mut put = |key: &str, value: &str| {
            options.put(key.to_owned(), Value::Text(value.to_owned()));
        };
        match name.strip_prefix("blkdebug:") {
            Some(rest) => {
                let (config, image) = filename::split(rest)?;
                if let Some(config) = config {
                    put("config", config);
                }
                put("x-image", image);
            }
            None => put("x-image", name),
        }
        Ok(())
    }

    /// `blkdebug_open`.
    fn open_blkdebug(
        &self,
        mut options: Options,
        mut left_out: Vec<String>,
    ) -> Result<Layer, OpenError> {
        let mut node = Node::default();
        let (mut image, mut align) = (None, None);
        for key in options.walk() {
            let is_limit = node.limits.get_mut(&key).is_some()
                && (self.dialect == Dialect::Qemu10 || key == "align");
            if !is_limit && key != "config" && key != "x-image" {
                continue;
            }
            // What is no scalar is dropped without a word.
            let Some(given) = options.remove(&key) else { continue };
            let Some(text) = given.option() else { continue };
            match key.as_str() {
                "config" => node.config = Some(text.to_owned()),
                "x-image" => image = Some(text.to_owned()),
                _ => {
                    let size = value::size(&key, text, self.dialect)?;
                    if key == "align" {
                        align = Some(size);
                    }
                    if let Some(limit) = node.limits.get_mut(&key) {
                        *limit = size;
                    }
                }
            }
        }
        node.rules = options::rules(&mut options, self.dialect)?;
        if self.dialect == Dialect::Qemu10 {
            for list in ["take-child-perms", "unshare-child-perms"] {
                let taken = options.extract(&format!("{list}."));
                left_out.extend(taken.iter().map(|(key, _)| self.full(&format!("{list}.{key}"))));
            }
        }
        let mut layer = self.child("image", image, &mut options, self.depth + 1)?;
        if layer.spec.raw {
            // Its events reach no blkdebug, unless there is one below.
            if !layer.spec.nodes.is_empty() {
                return Err(OpenError::Unsupported("a raw node between blkdebug nodes".to_owned()));
            }
            layer.spec.raw = false;
            left_out.push(self.full("image.driver"));
        }
        match self.dialect {
            Dialect::Qemu2_6 => Limits::check_2_6(align)?,
            Dialect::Qemu10 => layer.align = node.limits.check_10(layer.align)?,
        }
        done("blkdebug", &options)?;
        left_out.append(&mut layer.spec.left_out);
        layer.spec.left_out = left_out;
        layer.spec.nodes.insert(0, node);
        Ok(layer)
    }

    /// `bdrv_open_child`.
    fn child(
        &self,
        key: &'static str,
        name: Option<String>,
        options: &mut Options,
        depth: usize,
    ) -> Result<Layer, OpenError> {
        let below = options.extract(&format!("{key}."));
        let reference = options.remove(key);
        let reference = reference.as_ref().and_then(Value::text);
        if let Some(reference) = reference {
            let reference = reference.to_owned();
            return Err(match self.dialect {
                _ if name.is_some() || !below.is_empty() => OpenError::ReferenceAndOptions,
                Dialect::Qemu2_6 => OpenError::NoSuchNode2_6(reference),
                Dialect::Qemu10 => OpenError::NoSuchNode(reference),
            });
        }
        if name.is_none() && below.is_empty() {
            return Err(OpenError::NoChild(key));
        }
        let prefix = format!("{}{key}.", self.prefix);
        let place = Place { dialect: self.dialect, prefix: &prefix, depth, protocol: true };
        place.open(name, below)
    }

    /// `null_file_open`. 10.0.2 aborts where this has an error.
    fn null(&self, options: &mut Options) -> Result<ImageSpec, OpenError> {
        let (mut size, mut read_zeroes) = (ImageSpec::NULL_SIZE, false);
        for key in options.walk() {
            if key != "size" && key != "read-zeroes" {
                continue;
            }
            let Some(given) = options.remove(&key) else { continue };
            let Some(text) = given.option() else { continue };
            if key == "size" {
                size = value::size(&key, text, self.dialect)?;
            } else {
                read_zeroes = value::boolean(&key, text, self.dialect)?;
            }
        }
        Ok(ImageSpec::NullCo { size, read_zeroes })
    }

    /// Takes out what every node understands; all but the driver is left out.
    fn take_generic(&self, options: &mut Options) -> Vec<String> {
        match self.dialect {
            Dialect::Qemu2_6 => self.take(options, &GENERIC_2_6),
            Dialect::Qemu10 => self.take(options, &GENERIC_10),
        }
    }

    fn take(&self, options: &mut Options, keys: &[&str]) -> Vec<String> {
        let taken = keys.iter().filter(|key| options.remove(key).is_some());
        taken.map(|key| self.full(key)).collect()
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

const GENERIC_10: [&str; 8] = [
    "node-name",
    "cache.direct",
    "cache.no-flush",
    "read-only",
    "auto-read-only",
    "detect-zeroes",
    "discard",
    "force-share",
];
const GENERIC_2_6: [&str; 4] = ["node-name", "cache.writeback", "cache.direct", "cache.no-flush"];
const FILE_OPTIONS: [&str; 6] =
    ["aio", "aio-max-batch", "locking", "pr-manager", "drop-cache", "x-check-cache-dropped"];

/// The options of a driver that is not carried over, if a text says them all.
fn other_image(driver: &str, parse: bool, options: Options) -> Result<String, OpenError> {
    if options.iter().any(|(_, value)| is_about_blkdebug(value)) {
        return Err(OpenError::Unsupported(format!("driver {driver} above blkdebug")));
    }
    if parse {
        return Err(OpenError::Unsupported(format!("driver {driver} for a file name")));
    }
    Ok(options::to_json(driver, &options))
}

/// Whether a driver that is not carried over stands upon, or may stand upon, blkdebug.
fn is_about_blkdebug(value: &Value) -> bool {
    value.text().is_some_and(|text| {
        text == "blkdebug" || text.starts_with("blkdebug:") || text.starts_with("json:")
    })
}

/// QEMU keeps the options and goes on with a copy, made in the order of its walk.
fn copied(options: Options) -> Options {
    let mut copy = Dict::new();
    copy.join(options);
    copy
}

/// What is left is not understood.
fn done(driver: &'static str, options: &Options) -> Result<(), OpenError> {
    match options.first() {
        Some(key) => Err(OpenError::ProtocolOption { driver, key: key.to_owned() }),
        None => Ok(()),
    }
}
