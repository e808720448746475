//! The output, written by several threads at once.

use std::marker::PhantomData;

/// A matrix that threads write different places of.
///
/// Each value is to be written before [`finish`](Self::finish).
#[derive(Debug)]
pub struct Rows<'a> {
    values: *mut f32,
    rows: usize,
    width: usize,
    output: *mut Vec<f32>,
    borrow: PhantomData<&'a mut Vec<f32>>,
}

#[allow(unsafe_code)]
// SAFETY: the memory is borrowed for as long as this lives, and written through `Place` alone,
// whose callers write disjoint places.
unsafe impl Send for Rows<'_> {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    /// Makes room for `rows` of `width` values in `output`, whose content is given up.
    ///
    /// # Panics
    ///
    /// When there are more values than memory has addresses.
    pub fn new(output: &'a mut Vec<f32>, rows: usize, width: usize) -> Self {
        let count = rows.checked_mul(width);
        output.clear();
        output.reserve_exact(count.expect("values of the output should be countable"));
        Self {
            values: output.as_mut_ptr(),
            rows,
            width,
            output,
            borrow: PhantomData,
        }
    }

    /// A part of the rows to write: `height` of them from `top` on, `width` columns from `left` on.
    ///
    /// # Panics
    ///
    /// When it does not fit.
    ///
    /// # Safety
    ///
    /// Parts that are written at the same time should not overlap.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub unsafe fn place(&self, top: usize, left: usize, height: usize, width: usize) -> Place<'_> {
        assert!(top + height <= self.rows && left + width <= self.width);
        Place {
            // SAFETY: the place is inside what `new` reserved, as just asserted.
            values: unsafe { self.values.add(top * self.width + left) },
            stride: self.width,
            height,
            width,
            borrow: PhantomData,
        }
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

/// A part of the rows that one thread writes.
#[derive(Debug)]
pub struct Place<'a> {
    values: *mut f32,
    stride: usize,
    height: usize,
    width: usize,
    borrow: PhantomData<&'a f32>,
}

impl Place<'_> {
    /// How many rows it has.
    #[inline(always)]
    pub fn height(&self) -> usize {
        self.height
    }

    /// How many columns it has.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How far rows are apart.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// How many columns after one the next is whose values in all rows are aligned to so many, fewer
    /// than that; 0 if there is none.
    #[inline(always)]
    pub fn until_aligned(&self, column: usize, values: usize) -> usize {
        if !self.stride.is_multiple_of(values) {
            return 0;
        }
        let at = self.values.addr() / size_of::<f32>() + column;
        at.next_multiple_of(values) - at
    }

    /// Where a row and column of it are.
    ///
    /// # Safety
    ///
    /// They should be inside.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub unsafe fn at(&self, row: usize, column: usize) -> *mut f32 {
        debug_assert!(row < self.height && column < self.width);
        // SAFETY: as the caller says, of a place that `Rows::place` has found to fit.
        unsafe { self.values.add(row * self.stride + column) }
    }

    /// Writes values of one row, from a column on.
    ///
    /// # Panics
    ///
    /// When they do not fit.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn write(&self, row: usize, column: usize, values: &[f32]) {
        assert!(row < self.height && column + values.len() <= self.width || values.is_empty());
        // SAFETY: the place is inside, as just asserted; `values` borrows other memory, since the
        // rows have the only borrow of their own.
        unsafe {
            let to = self.values.add(row * self.stride + column);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn columns_are_aligned_in_all_rows_or_in_none() {
        for (width, aligns) in [(32, true), (36, false)] {
            let mut output = Vec::new();
            let rows = Rows::new(&mut output, 3, width);
            // SAFETY: no other place is there.
            let place = unsafe { rows.place(1, 4, 2, 20) };
            for column in 0..8 {
                let skipped = place.until_aligned(column, 8);
                // SAFETY: the first row has this column.
                let at = unsafe { place.at(0, column + skipped) };
                match aligns {
                    true => assert_eq!(at.addr() % 32, 0),
                    false => assert_eq!(skipped, 0),
                }
            }
        }
    }
}
