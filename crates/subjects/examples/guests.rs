//! Campaigns and ladders over published crates, as their pages have them:
//! `guests run PART SEEDS`, `guests ladder PART RUNS`, of those whose names have this part; and
//! `guests trace PART SEED`, all of one run.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::time::Instant;

use headcrash::Check;
use headcrash_subjects::guests;

/// Every campaign, by the guest and what is done to it.
fn campaigns() -> Vec<(String, Check)> {
    let mut all = Vec::new();
    let mut add = |guest: &str, name: &str, check: Check| {
        all.push((format!("{guest}: {name}"), check));
    };
    #[cfg(feature = "redb")]
    guests::redb::campaigns().into_iter().for_each(|(name, it)| add("redb", name, it));
    #[cfg(feature = "redb")]
    guests::redb_tables::campaigns().into_iter().for_each(|(name, it)| add("redb", name, it));
    #[cfg(feature = "sequential-storage")]
    guests::sequential_storage::campaigns()
        .into_iter()
        .for_each(|(name, it)| add("sequential-storage", name, it));
    #[cfg(feature = "ekv")]
    {
        use guests::ekv as guest;
        guest::campaigns().into_iter().for_each(|(name, it)| add("ekv", name, it));
        add("ekv", "loses everything", guest::loses_everything());
        add("ekv", "panics where a write fails", guest::panics_where_a_write_fails());
        add("ekv", "takes an old page", guest::takes_an_old_page());
    }
    #[cfg(feature = "embedded-sdmmc")]
    {
        use guests::embedded_sdmmc as guest;
        guest::campaigns().into_iter().for_each(|(name, it)| add("embedded-sdmmc", name, it));
        add("embedded-sdmmc", "is left half done", guest::is_left_half_done());
        add("embedded-sdmmc", "loses what was closed", guest::loses_what_was_closed());
    }
    #[cfg(feature = "fatfs")]
    {
        use guests::fatfs as guest;
        guest::campaigns().into_iter().for_each(|(name, it)| add("fatfs", name, it));
        add("fatfs", "is left half done", guest::is_left_half_done());
        add("fatfs", "loses what was flushed", guest::loses_what_was_flushed());
    }
    #[cfg(feature = "littlefs2")]
    {
        use guests::littlefs2 as guest;
        guest::campaigns().into_iter().for_each(|(name, it)| add("littlefs2", name, it));
        add("littlefs2", "moves", guest::moves());
    }
    #[cfg(feature = "sqlite")]
    {
        use guests::sqlite as guest;
        guest::campaigns().into_iter().for_each(|(name, it)| add("sqlite", &name, it));
        guest::controls().into_iter().for_each(|(name, it)| add("sqlite", name, it));
        add("sqlite", "brings back what failed", guest::brings_back_what_failed());
        add("sqlite", "an error for an interrupt", guest::takes_an_error_for_an_interrupt());
        add("sqlite", "a directory for an interrupt", guest::takes_a_directory_for_an_interrupt());
        for kind in ["read_file", "write_file", "sync_file", "set_len", "create_file", "file_len"] {
            let name = |journal: &str| format!("soon an error of {kind}, {journal}, power cuts");
            add("sqlite", &name("PERSIST"), guest::an_error_of::<guest::Persist, true>(kind));
            add("sqlite", &name("WAL"), guest::an_error_of::<guest::Wal, true>(kind));
        }
        for data in ["keep_dirty", "clean_keep_new", "clean_revert"] {
            let name = |journal: &str| format!("a sync fails, {data}, {journal}, power cuts");
            let truncate = guest::a_sync_fails::<guest::Truncate, true>(data);
            add("sqlite", &name("TRUNCATE"), truncate.power_cuts(1));
            let delete = guest::a_sync_fails::<guest::DeleteExtra, true>(data);
            add("sqlite", &name("DELETE and EXTRA"), delete.power_cuts(1));
            let wal = guest::a_sync_fails::<guest::Wal, true>(data);
            add("sqlite", &name("WAL"), wal.power_cuts(1));
        }
    }
    all
}

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [what, part, number] = args.as_slice() else {
        panic!("`run PART SEEDS`, `ladder PART RUNS` or `trace PART SEED`");
    };
    let number = number.parse().expect("a number");
    for (name, check) in campaigns().into_iter().filter(|(name, _)| name.contains(part)) {
        if what == "trace" {
            println!("{name}\n{}", check.trace(number));
            continue;
        }
        let begun = Instant::now();
        if what == "ladder" {
            let ladder = check.ladder(0, number);
            let text = headcrash::ladder::text(&ladder);
            println!("{name}, {:.0} s\n{text}", begun.elapsed().as_secs_f64());
            continue;
        }
        let found = check.seeds(0..number).try_run();
        let spent = begun.elapsed().as_secs_f64();
        match found {
            Ok(campaign) => println!("{name}: held, {} runs, {spent:.1} s", campaign.runs),
            Err(report) => println!("{name}: {} in {spent:.1} s\n{report}", report.outcome),
        }
    }
}
