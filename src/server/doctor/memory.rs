//! Memory: huge pages and swap.

use super::facts::Facts;
use super::finding::Finding;
use super::finding::Verdict::{Better, Note};

/// The findings about memory.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    [swap(facts), huge_page_mode(facts), huge_pages(facts)].into_iter().flatten().collect()
}

/// Can the server's memory be swapped out?
fn swap(facts: &Facts) -> Option<Finding> {
    let (all, used) = (facts.swap_kib?, facts.swap_used_kib?);
    if all == 0 {
        return Some(Finding::fine("swap", "none"));
    }
    let finding = Finding::fine("swap", format!("{all} KiB, {used} KiB of it in use"))
        .better("no swap for the server")
        .command("systemctl set-property viaduct.service MemorySwapMax=0");
    let why = "a worker that reads a binding from the disk handles nothing else meanwhile";
    Some(finding.because(if used > 0 { Better } else { Note }, why))
}

/// Are huge pages made behind the server's back?
fn huge_page_mode(facts: &Facts) -> Option<Finding> {
    let mode = facts.huge_page_mode.as_ref()?;
    let finding = Finding::fine("transparent huge pages", mode.clone());
    if mode != "always" {
        return Some(finding);
    }
    let why = "the kernel may stop a thread to put small pages together, and memory grows";
    Some(
        finding
            .because(Better, why)
            .better("madvise")
            .command("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"),
    )
}

/// Is memory reserved that the server does not use?
fn huge_pages(facts: &Facts) -> Option<Finding> {
    let count = facts.huge_pages?;
    let finding = Finding::fine("reserved huge pages", count.to_string());
    if count == 0 {
        return Some(finding);
    }
    let why = "the server uses them only with MIMALLOC_ALLOW_LARGE_OS_PAGES=1; else they are \
        memory that it cannot have";
    Some(finding.because(Note, why))
}
