//! ekv on a [`SimFlash`].

use std::io;

use ekv::config::{ALIGN, MAX_PAGE_COUNT, PAGE_SIZE};
use ekv::flash::{Flash, PageID};
use headcrash::SimFlash;

/// Flash of the pages and words that ekv was compiled for.
#[derive(Clone, Debug)]
pub struct Pages(SimFlash);

impl Pages {
    /// The flash.
    ///
    /// # Panics
    ///
    /// If that is of other words or pages.
    #[must_use]
    pub fn new(flash: SimFlash) -> Self {
        let spec = flash.spec();
        let units = (spec.program_unit as usize, spec.erase_block as usize);
        assert_eq!(units, (ALIGN, PAGE_SIZE), "words and pages of the flash");
        assert!(flash.capacity() <= (PAGE_SIZE * MAX_PAGE_COUNT) as u64, "pages of the flash");
        Self(flash)
    }
}

/// Where a page begins.
fn start(page: PageID) -> u64 {
    (page.index() * PAGE_SIZE) as u64
}

impl Flash for Pages {
    type Error = io::Error;

    fn page_count(&self) -> usize {
        self.0.capacity() as usize / PAGE_SIZE
    }

    async fn erase(&mut self, page: PageID) -> io::Result<()> {
        self.0.erase_async(start(page), PAGE_SIZE as u64).await
    }

    async fn read(&mut self, page: PageID, at: usize, into: &mut [u8]) -> io::Result<()> {
        self.0.read_async(start(page) + at as u64, into).await
    }

    async fn write(&mut self, page: PageID, at: usize, data: &[u8]) -> io::Result<()> {
        self.0.program_async(start(page) + at as u64, data).await
    }
}
