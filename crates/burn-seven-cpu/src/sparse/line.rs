//! Memory whose vectors never cross a cache line.

use std::cell::RefCell;

/// One cache line of float32 values.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Self::VALUES]);

impl Line {
    const VALUES: usize = 16;
}

/// Aligned float32 values that are kept for the next use.
#[derive(Debug, Default)]
pub struct Lines(Vec<Line>);

impl Lines {
    /// `count` values, of any content.
    #[allow(unsafe_code)]
    pub fn take(&mut self, count: usize) -> &mut [f32] {
        let lines = count.div_ceil(Line::VALUES);
        if self.0.len() < lines {
            self.0.resize(lines, Line([0.0; Line::VALUES]));
        }
        // SAFETY: a line is 16 floats without padding, and `lines` of them hold `count`.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), count) }
    }
}

/// Bytes that a thread keeps at most of either kind.
const KEPT: usize = 16 << 20;

thread_local! {
    /// The activations' panels of the thread that asked for a product.
    static PANELS: RefCell<Lines> = RefCell::default();
    /// One block's outputs of each thread that works on it.
    static OUTPUTS: RefCell<Lines> = RefCell::default();
}

/// Hands over `count` values for panels, of any content, kept from call to call unless large.
pub fn with_panels<R>(count: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&PANELS, count, work)
}

/// Hands over `count` values for outputs, of any content, kept from call to call unless large.
pub fn with_outputs<R>(count: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&OUTPUTS, count, work)
}

/// Hands over values for a panel and values for outputs.
pub fn with_both<R>(
    panel: usize,
    outputs: usize,
    work: impl FnOnce(&mut [f32], &mut [f32]) -> R,
) -> R {
    with_panels(panel, |panel| {
        with_outputs(outputs, |outputs| work(panel, outputs))
    })
}

/// Hands over `count` values of a thread's memory, of any content, kept from call to call unless
/// large.
pub fn with<R>(
    key: &'static std::thread::LocalKey<RefCell<Lines>>,
    count: usize,
    work: impl FnOnce(&mut [f32]) -> R,
) -> R {
    key.with(|lines| match lines.try_borrow_mut() {
        Ok(mut lines) => {
            let result = work(lines.take(count));
            if size_of_val(&*lines.0) > KEPT {
                *lines = Lines::default();
            }
            result
        }
        // A thread that waits for others may take up another product meanwhile.
        Err(_) => work(Lines::default().take(count)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_start_at_a_cache_line_and_nested_uses_do_not_share() {
        with_panels(17, |outer| {
            outer.fill(1.0);
            assert_eq!(outer.as_ptr().addr() % 64, 0);
            with_panels(5, |inner| inner.fill(2.0));
            assert_eq!(outer, [1.0; 17]);
        });
    }
}
