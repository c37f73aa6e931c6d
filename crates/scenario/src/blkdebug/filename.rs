//! File names: `blkdebug:CONF:IMAGE`, and what else may stand where an image is wanted.

use headcrash_engine::Dialect;

use super::error::OpenError;
use super::open;
use super::spec::Spec;

/// What QEMU opens by this name when no format is given.
///
/// `blkdebug:CONF:IMAGE` is split at the first colon after the prefix, so that `CONF` cannot have
/// one and `IMAGE` can: it may be any file name, even `blkdebug:...` or `json:{...}` again. An
/// empty `CONF` is none. A name without a prefix is a file's, and there are no nodes then.
///
/// The image's format is taken to be raw, as QEMU guesses for an image it does not know; a name
/// that is `json:{...}` is read by [`from_json`](super::options::from_json) instead.
///
/// # Errors
///
/// What QEMU says of it before it looks for any file.
pub fn parse(text: &str, dialect: Dialect) -> Result<Spec, OpenError> {
    open::filename(text, dialect)
}

/// `blkdebug_parse_filename` of `block/blkdebug.c`: configuration file and image.
pub(super) fn split(rest: &str) -> Result<(Option<&str>, &str), OpenError> {
    let (config, image) = rest.split_once(':').ok_or(OpenError::NoImagePath)?;
    Ok((Some(config).filter(|config| !config.is_empty()), image))
}

/// `path_has_protocol` of `block.c`: what is in front of a colon that is in front of every slash.
pub(super) fn protocol(name: &str) -> Option<&str> {
    let end = name.find([':', '/'])?;
    name[end..].starts_with(':').then(|| &name[..end])
}

/// `bdrv_find_protocol` of `block.c`: the driver for a file's name.
pub(super) fn driver(name: &str) -> Result<&str, OpenError> {
    match protocol(name) {
        None => Ok("file"),
        Some(protocol) if PROTOCOLS.contains(&protocol) => Ok(protocol),
        Some(protocol) => Err(OpenError::UnknownProtocol(protocol.to_owned())),
    }
}

/// Those of any build of either version. A build with modules left out has fewer.
const PROTOCOLS: [&str; 40] = [
    "archipelago",
    "blkdebug",
    "blklogwrites",
    "blkverify",
    "fat",
    "file",
    "ftp",
    "ftps",
    "gluster",
    "gluster+rdma",
    "gluster+tcp",
    "gluster+unix",
    "host_cdrom",
    "host_device",
    "http",
    "https",
    "io_uring",
    "iscsi",
    "iser",
    "nbd",
    "nbd+tcp",
    "nbd+unix",
    "nfs",
    "null-aio",
    "null-co",
    "nvme",
    "nvme-io_uring",
    "quorum",
    "rbd",
    "sheepdog",
    "sheepdog+tcp",
    "sheepdog+unix",
    "ssh",
    "tftp",
    "virtio-blk-vfio-pci",
    "virtio-blk-vhost-user",
    "virtio-blk-vhost-vdpa",
    "vxhs",
    "nbds",
    "zoned_host_device",
];

#[cfg(test)]
mod tests {
    use crate::blkdebug::spec::ImageSpec;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = match parse(text, Dialect::Qemu10) {
            Ok(spec) => {
                let mut parts = vec![if spec.raw { "raw" } else { "-" }.to_owned()];
                parts.extend(spec.nodes.into_iter().map(|node| format!("{:?}", node.config)));
                parts.push(format!("{:?}", spec.image));
                parts.join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn the_first_colon_ends_the_configuration_file() {
        check("blkdebug:c:i", r#"raw Some("c") File("i")"#);
        check("blkdebug:a/b.conf:/x/y:z", r#"raw Some("a/b.conf") File("/x/y:z")"#);
        check("blkdebug::i", r#"raw None File("i")"#);
        check("blkdebug:i", "blkdebug requires both config file and image path");
        check("blkdebug:", "blkdebug requires both config file and image path");
        check("blkdebug::", "The 'file' block driver requires a file name");
        check("blkdebug::a:b", "Unknown protocol 'a'");
        check("blkdebug:::", "Unknown protocol ''");
    }

    #[test]
    fn the_image_may_be_another_protocols() {
        check("blkdebug:a:blkdebug:b:i", r#"raw Some("a") Some("b") File("i")"#);
        check("blkdebug:a:blkdebug:b", "blkdebug requires both config file and image path");
        check("blkdebug::file:i", r#"raw None File("i")"#);
        check("blkdebug::file:a:b", r#"raw None File("./a:b")"#);
        check("blkdebug::null-co://", "raw None NullCo { size: 1073741824, read_zeroes: false }");
        check("blkdebug::null-co:x", "The only allowed filename for this driver is 'null-co://'");
        check("blkdebug::nbd://h/x", r#"raw None Other("nbd://h/x")"#);
        check(
            r#"blkdebug:c:json:{"driver":"null-co","size":"1M"}"#,
            r#"raw Some("c") NullCo { size: 1048576, read_zeroes: false }"#,
        );
    }

    #[test]
    fn a_name_without_a_prefix_is_the_image() {
        check("disk.img", r#"raw File("disk.img")"#);
        check("./a:b", r#"raw File("./a:b")"#);
        check("", "The 'file' block driver requires a file name");
    }

    #[test]
    fn nodes_are_not_stacked_without_end() {
        let name = |nodes| "blkdebug::".repeat(nodes) + "i";
        assert_eq!(parse(&name(64), Dialect::Qemu2_6).unwrap().nodes.len(), Spec::MAX_NODES);
        assert_eq!(parse(&name(65), Dialect::Qemu2_6), Err(OpenError::TooDeep));
        assert_eq!(parse(&name(200_000), Dialect::Qemu2_6), Err(OpenError::TooLong));
        let image = ImageSpec::File("i".to_owned());
        assert_eq!(parse("blkdebug::i", Dialect::Qemu2_6).unwrap().image, image);
    }
}
