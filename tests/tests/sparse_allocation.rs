//! A file that lies about its sizes does not make its reader allocate what it says.
#![allow(clippy::unwrap_used)] // a test may fail that way
#![allow(unsafe_code)] // an allocator that counts has to be one

#[path = "common/sparse.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use burn_seven::sparse::{LoadConfig, load_masks_bytes};
use burn_seven_tests::device;

use common::*;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(
            NOW.fetch_add(layout.size(), Relaxed) + layout.size(),
            Relaxed,
        );
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many bytes more than before are held at the most while this runs.
fn most(run: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    run();
    MOST.load(Relaxed) - before
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn memory_stays_within_a_multiple_of_the_file() {
    let (model, good) = small();
    let device = device();
    let big = 1u64 << 60;
    let tensor = |shape: &str| {
        format!(r#"{{"fc.weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#)
    };
    // A sparse weight of these sizes, without its bits and values.
    let group = |sizes: &[u64]| {
        let entry = |name: &str, dtype: &str, shape: &str, place: &str| {
            format!(r#""fc.{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{place}}}"#)
        };
        let (rank, end, rows) = (sizes.len(), 8 * sizes.len(), sizes[0]);
        let bytes = sizes[1..]
            .iter()
            .fold(1u64, |a, &b| a.saturating_mul(b))
            .div_ceil(8);
        let after = format!("[{end},{end}]");
        let entries = [
            entry("shape", "I64", &format!("[{rank}]"), &format!("[0,{end}]")),
            entry("bitmask", "U8", &format!("[{rows},{bytes}]"), &after),
            entry("compressed", "F32", "[0]", &after),
            entry("row_offsets", "I64", &format!("[{rows}]"), &after),
        ];
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        file(&format!("{{{}}}", entries.join(",")), &sizes)
    };
    let names: Vec<String> = (0..5000)
        .map(|at| format!(r#""{at}":{{"dtype":"U8","shape":[],"data_offsets":[0,0]}}"#))
        .collect();
    let texts: Vec<String> = (0..5000).map(|at| format!(r#""{at}":"""#)).collect();
    let zeros = vec!["0"; 100_000].join(",");
    let mut long = file("{}", &[]);
    long[..8].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let files = [
        ("a good one", good),
        ("a header longer than the file", long),
        ("huge dimensions", file(&tensor(&format!("[{big},0]")), &[])),
        (
            "a rank without end",
            file(&tensor(&format!("[{zeros}]")), &[]),
        ),
        ("columns without rows", group(&[0, big])),
        ("rows without columns", group(&[big, 0])),
        ("kernels without end", group(&[0, big, 1 << 20, 1, 1])),
        ("kernels of nothing", group(&[1 << 50, 0, big, 1, 1])),
        (
            "many tensors",
            file(&format!("{{{}}}", names.join(",")), &[]),
        ),
        (
            "many texts",
            file(
                &format!(r#"{{"__metadata__":{{{}}}}}"#, texts.join(",")),
                &[],
            ),
        ),
        ("deep", file(&"[".repeat(1_000_000), &[])),
    ];
    for (what, bytes) in files {
        let length = bytes.len();
        let copy = bytes.clone();
        let held = most(|| drop(LoadConfig::new().load_bytes(&model, copy)));
        assert!(
            held <= 64 * length + 65_536,
            "{what}: {held} bytes for {length}"
        );
        let held = most(|| drop(load_masks_bytes(bytes, &device)));
        assert!(
            held <= 64 * length + 65_536,
            "{what}, as masks: {held} bytes for {length}"
        );
    }
}
