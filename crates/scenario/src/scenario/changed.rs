//! A scenario with something about it changed from outside: what it may be is checked here as it
//! is in a file.

use headcrash_sim::{Engines, Image};

use super::{Beginning, CutAt, DiskIndex, Expect, PowerCut, Scenario, Search};
use crate::names::{list, nearest};
use crate::source::{Diagnostic, Errors, Location};

impl Scenario {
    /// The disk of this name; without one, the only disk.
    ///
    /// # Errors
    ///
    /// When there is no such disk, or several to choose from.
    pub fn disk_named(&self, name: Option<&str>) -> Result<DiskIndex, String> {
        let names = || self.disks.iter().map(|disk| &*disk.name);
        match name {
            None if self.disks.len() == 1 => Ok(DiskIndex(0)),
            None => Err(format!("which disk is meant? There are {}", list(names()))),
            Some(name) => names().position(|known| known == name).map(DiskIndex).ok_or_else(|| {
                let near = nearest(name, names()).map(|near| format!("; {near}"));
                let near = near.unwrap_or_default();
                format!("there is no disk `{name}`, there is {}{near}", list(names()))
            }),
        }
    }

    /// Lets a disk begin with this image, which is called `name` in messages, instead of what the
    /// file says it holds.
    ///
    /// # Errors
    ///
    /// When the image is not as long as the disk.
    pub fn load(&mut self, disk: DiskIndex, name: &str, image: Image) -> Result<(), Errors> {
        let Self { disks, source, .. } = self;
        let disk = &mut disks[disk.0];
        if image.len() != disk.size {
            let message = format!(
                "disk `{}` has {} bytes, and {name} has {}",
                disk.name,
                disk.size,
                image.len()
            );
            let help = format!("`size: {}` here, or an image of {} bytes", image.len(), disk.size);
            let diagnostic = Diagnostic::new(disk.location.span, message).help(help);
            return Err(Errors::new(source.clone(), vec![diagnostic]));
        }
        disk.loaded = Some(image);
        self.beginning = Beginning::default();
        Ok(())
    }

    /// Tries other crash states than the file says. It means nothing where the power never goes.
    pub fn search_instead(&mut self, search: Search) {
        self.search = Some(search);
    }

    /// Lets the power go at every moment if it never goes, and says whether that was so. Then
    /// nothing else is expected than that everything holds, and no access is made to fail.
    pub fn cut_everywhere(&mut self) -> bool {
        if self.power_cut.is_some() {
            return false;
        }
        self.power_cut = Some(PowerCut {
            at: CutAt::Everywhere,
            times: 1,
            skew: Vec::new(),
            engines: Engines::default(),
            swap: Vec::new(),
            may_refuse: false,
            location: Location::default(),
        });
        self.beginning = Beginning::default();
        self.search.get_or_insert(Search::USUAL);
        (self.expect, self.fail_each) = (Expect::Held, None);
        true
    }
}
