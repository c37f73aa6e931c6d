//! Carries out: a world of virtual disks and a virtual clock.
#![no_std]
extern crate alloc;
