//! Arrays that end where memory ends.

use crate::api::feed::Feed;
use crate::array::block::Block;
use crate::array::{Array, no_memory};
use crate::error::Result;
use crate::shape::{Strides, c_strides};

/// The elements of an array, copied to where a page that nobody may touch begins behind the last one.
pub struct Edge<'a> {
    array: &'a Array,
    block: Block,
    strides: Strides,
}

impl<'a> Edge<'a> {
    /// A copy of an array.
    pub fn of(array: &'a Array) -> Result<Edge<'a>> {
        let bytes = array.bytes();
        let block = Block::at_a_guard(bytes).ok_or_else(|| no_memory("check", array.dtype(), array.shape()))?;
        // SAFETY: both have this many bytes.
        unsafe { std::ptr::copy_nonoverlapping(array.ptr(), block.ptr(), bytes) };
        Ok(Edge { array, block, strides: c_strides(array.shape()) })
    }

    /// The elements as a feed.
    pub fn feed(&self) -> Feed<'_> {
        // SAFETY: the block holds the elements, and is not written to any more.
        unsafe { Feed::from_raw(self.block.ptr(), self.array.dtype(), self.array.shape(), &self.strides) }
    }
}
