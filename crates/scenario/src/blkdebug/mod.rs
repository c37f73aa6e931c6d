//! QEMU blkdebug's own formats: configuration files, options, file names, command scripts.
