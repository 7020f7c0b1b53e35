//! Resident memory of this process.

/// Resident memory now and its peak since [`reset_peak`], in bytes; zeros except on Linux.
pub fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|v| v.parse::<u64>().ok());
        1024 * kib.unwrap_or(0)
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Sets the peak of resident memory to its present value.
pub fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}
