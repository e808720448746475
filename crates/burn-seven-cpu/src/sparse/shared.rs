//! The output, written by several threads at once.

use std::marker::PhantomData;

/// A matrix that threads write different places of.
///
/// Each value is to be written exactly once before [`finish`](Self::finish).
#[derive(Debug)]
pub struct Rows<'a> {
    values: *mut f32,
    rows: usize,
    width: usize,
    output: *mut Vec<f32>,
    borrow: PhantomData<&'a mut Vec<f32>>,
}

#[allow(unsafe_code)]
// SAFETY: the memory is borrowed for as long as this lives, and written through `write` alone,
// whose callers write disjoint places.
unsafe impl Send for Rows<'_> {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    /// Makes room for `rows` of `width` values in `output`, whose content is given up.
    pub fn new(output: &'a mut Vec<f32>, rows: usize, width: usize) -> Self {
        output.clear();
        output.reserve_exact(rows * width);
        Self {
            values: output.as_mut_ptr(),
            rows,
            width,
            output,
            borrow: PhantomData,
        }
    }

    /// Writes values of one row, from column `left` on.
    ///
    /// # Panics
    ///
    /// When they do not fit.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn write(&self, row: usize, left: usize, values: &[f32]) {
        assert!(row < self.rows && left + values.len() <= self.width);
        // SAFETY: the place is inside what `new` reserved, as just asserted; `values` borrows other
        // memory, since this has the only borrow of its own.
        unsafe {
            let to = self.values.add(row * self.width + left);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len());
        }
    }

    /// Where a square of `side` rows and columns is to be written, and how far rows are apart.
    ///
    /// # Panics
    ///
    /// When it does not fit.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn tile(&self, top: usize, left: usize, side: usize) -> (*mut f32, usize) {
        assert!(top + side <= self.rows && left + side <= self.width);
        // SAFETY: the place is inside what `new` reserved, as just asserted.
        (
            unsafe { self.values.add(top * self.width + left) },
            self.width,
        )
    }

    /// Lets the output have its values.
    ///
    /// # Safety
    ///
    /// Each value should have been written.
    #[allow(unsafe_code)]
    pub unsafe fn finish(self) {
        // SAFETY: `output` is borrowed by this alone and has room for all values, which the caller
        // says are written.
        unsafe { (*self.output).set_len(self.rows * self.width) }
    }
}
