//! Figures, and how a table shows them.

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// The middle one; of an even number, the lower of the two in the middle.
pub(crate) fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures
        .get(figures.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A figure, right-aligned; `-` when there is none.
pub(crate) fn cell(figure: f64, width: usize, decimals: usize) -> String {
    if figure.is_nan() {
        format!("{:>width$}", "-")
    } else {
        format!("{figure:>width$.decimals$}")
    }
}

/// A bar and whether it is met.
pub(crate) fn verdict(bar: &str, met: bool) -> String {
    format!("{bar}: {}", if met { "met" } else { "MISSED" })
}
