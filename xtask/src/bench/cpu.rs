//! CPU time of a process and all its children, as the kernel counts it.

use std::fs;

/// User and system time of the process and its descendants, in microseconds.
///
/// The kernel counts in ticks of 10 ms (`USER_HZ` = 100 on Linux), so a round lasts seconds.
pub(crate) fn of_tree(pid: u32) -> f64 {
    let mut total = ticks(pid);
    for child in children(pid) {
        total += of_tree(child);
    }
    total
}

fn ticks(pid: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The command name may hold blanks; what follows its closing bracket does not.
    let Some((_, rest)) = stat.rsplit_once(')') else { return 0.0 };
    let field =
        |index: usize| rest.split_whitespace().nth(index).and_then(|text| text.parse::<f64>().ok());
    // proc(5): utime is field 14 and stime field 15; `rest` starts at field 3.
    (field(11).unwrap_or_default() + field(12).unwrap_or_default()) * 10_000.0
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// Resident memory of the process and its descendants, in KiB (`VmRSS`, proc(5)).
pub(crate) fn resident_kib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok()
    });
    own.unwrap_or_default() + children(pid).into_iter().map(resident_kib).sum::<f64>()
}
