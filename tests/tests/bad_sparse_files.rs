//! Sparse files that are damaged, lie or are of something else are refused, without a panic.
#![allow(clippy::unwrap_used)] // a test may fail that way

#[path = "common/sparse.rs"]
mod common;

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use burn_seven::sparse::{LoadConfig, Misfit, SparseError, load_masks_bytes};
use burn_seven_tests::{cases, device};
use proptest::prelude::*;

use common::*;

/// The parts of the worked example as they can be lied about: type, shape, bytes.
#[derive(Clone)]
struct Parts(Vec<(&'static str, &'static str, String, Vec<u8>)>);

impl Parts {
    fn new() -> Self {
        let integers = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let floats = [1f32, -2.0, 0.5, 4.0, -0.25, 8.0];
        let floats = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self(vec![
            ("fc.shape", "I64", "[2]".to_string(), integers(&[3, 10])),
            ("fc.compressed", "F32", "[6]".to_string(), floats),
            (
                "fc.bitmask",
                "U8",
                "[3,2]".to_string(),
                vec![9, 2, 0, 0, 0x82, 1],
            ),
            (
                "fc.row_offsets",
                "I64",
                "[3]".to_string(),
                integers(&[0, 3, 3]),
            ),
        ])
    }

    fn with(mut self, name: &str, dtype: &'static str, shape: &str, bytes: Vec<u8>) -> Self {
        let part = self.0.iter_mut().find(|part| part.0 == name).unwrap();
        (part.1, part.2, part.3) = (dtype, shape.to_string(), bytes);
        self
    }

    fn sizes<const D: usize>(self, sizes: [i64; D]) -> Self {
        let bytes = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        self.with("fc.shape", "I64", &format!("[{D}]"), bytes)
    }

    fn offsets(self, offsets: &[i64]) -> Self {
        let bytes = offsets
            .iter()
            .flat_map(|offset| offset.to_le_bytes())
            .collect();
        self.with(
            "fc.row_offsets",
            "I64",
            &format!("[{}]", offsets.len()),
            bytes,
        )
    }

    fn bits(self, bits: &[u8]) -> Self {
        self.with("fc.bitmask", "U8", "[3,2]", bits.to_vec())
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|part| part.0 != name);
        self
    }

    fn plus(mut self, name: &'static str) -> Self {
        self.0.push((name, "F32", "[1]".to_string(), vec![0; 4]));
        self
    }

    fn file(&self) -> Vec<u8> {
        let (mut data, mut entries) = (Vec::new(), Vec::new());
        for (name, dtype, shape, bytes) in &self.0 {
            let start = data.len();
            data.extend(bytes);
            let end = data.len();
            entries.push(format!(
                r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#
            ));
        }
        file(&format!("{{{}}}", entries.join(",")), &data)
    }
}

/// How often something panicked so far, also where burn-store turns the panic into an error.
fn panics() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            COUNT.fetch_add(1, Ordering::Relaxed);
            report(info);
        }));
    });
    COUNT.load(Ordering::Relaxed)
}

fn refused(bytes: Vec<u8>) -> String {
    let template = Layer::new(10, 3, &device());
    read(&template, bytes).unwrap_err().to_string()
}

#[test]
fn every_lie_has_its_error() {
    let template = Layer::new(10, 3, &device());
    let good = read(&template, Parts::new().file()).unwrap();
    assert_eq!(values(&good), values(&example(&device())));

    let floats = |count: usize| 1f32.to_le_bytes().repeat(count);
    let table = [
        (
            Parts::new().without("fc.shape"),
            r#""fc.weight" is incomplete: the file has no "fc.shape""#,
        ),
        (
            Parts::new().without("fc.compressed"),
            r#"no "fc.compressed""#,
        ),
        (Parts::new().without("fc.bitmask"), r#"no "fc.bitmask""#),
        (
            Parts::new().without("fc.row_offsets"),
            r#"no "fc.row_offsets""#,
        ),
        (
            Parts::new().plus("fc.weight"),
            r#"two tensors with the name "fc.weight""#,
        ),
        (
            Parts::new().plus("fc.shape"),
            r#"two tensors with the name "fc.shape""#,
        ),
        (
            Parts::new().plus("other"),
            "no place for 1 of the file's tensors: other",
        ),
        // Types.
        (
            Parts::new().with("fc.shape", "U64", "[2]", vec![0; 16]),
            r#"type of "fc.shape" is U64, but should be I64"#,
        ),
        (
            Parts::new().with("fc.bitmask", "I8", "[3,2]", vec![0; 6]),
            r#"type of "fc.bitmask" is I8, but should be U8"#,
        ),
        (
            Parts::new().with("fc.row_offsets", "U64", "[3]", vec![0; 24]),
            r#"type of "fc.row_offsets" is U64"#,
        ),
        (
            Parts::new().with("fc.compressed", "I32", "[6]", vec![0; 24]),
            "should be F32, F16 or BF16",
        ),
        (
            Parts::new().with("fc.compressed", "F64", "[6]", vec![0; 48]),
            "should be F32, F16 or BF16",
        ),
        (
            Parts::new().with("fc.compressed", "F8_E4M3", "[6]", vec![0; 6]),
            "should be F32, F16 or BF16",
        ),
        // Shapes of the parts.
        (
            Parts::new().with("fc.shape", "I64", "[1]", vec![0; 8]),
            r#"shape of "fc.shape" is [1], but should be [2] to [5]"#,
        ),
        (
            Parts::new().with("fc.shape", "I64", "[1,2]", vec![0; 16]),
            "is [1, 2], but should be [2] to [5]",
        ),
        (
            Parts::new().with("fc.shape", "I64", "[6]", vec![0; 48]),
            r#"shape of "fc.shape" is [6], but should be [2] to [5]"#,
        ),
        (
            Parts::new().with("fc.bitmask", "U8", "[6]", vec![0; 6]),
            "is [6], but should be [3, 2]",
        ),
        (
            Parts::new().with("fc.bitmask", "U8", "[3,1]", vec![0; 3]),
            "is [3, 1], but should be [3, 2]",
        ),
        (
            Parts::new().with("fc.compressed", "F32", "[6,1]", floats(6)),
            "is [6, 1], but should be [6]",
        ),
        (
            Parts::new().offsets(&[0, 3]),
            r#"shape of "fc.row_offsets" is [2], but should be [3]"#,
        ),
        (
            Parts::new().offsets(&[0, 3, 3, 6]),
            "is [4], but should be [3]",
        ),
        // Sizes that lie.
        (
            Parts::new().sizes([-3, 10]),
            r#"content of "fc.shape" is [-3, 10], but should be a weight's sizes"#,
        ),
        (
            Parts::new().sizes([3, 17]),
            r#"shape of "fc.bitmask" is [3, 2], but should be [3, 3]"#,
        ),
        (
            Parts::new().sizes([3, 8]),
            "is [3, 2], but should be [3, 1]",
        ),
        (
            Parts::new().sizes([4, 10]),
            r#"shape of "fc.row_offsets" is [3], but should be [4]"#,
        ),
        (
            Parts::new().sizes([3, i64::MAX]),
            r#"content of "fc.shape" is [3, 9223372036854775807]"#,
        ),
        (
            Parts::new().sizes([i64::MAX, i64::MAX]),
            r#"content of "fc.shape" is [9223372036854775807, 9223372036854775807]"#,
        ),
        // The same bits as a convolution's: another shape, or none.
        (
            Parts::new().sizes([3, 5, 2]),
            "has shape [3, 5, 2] in the file, but [10, 3] in the module",
        ),
        (
            Parts::new().sizes([3, 6, 3]),
            r#"shape of "fc.bitmask" is [3, 2], but should be [3, 3]"#,
        ),
        (
            Parts::new().sizes([3, i64::MAX, i64::MAX, 0]),
            r#"content of "fc.shape" is [3, 9223372036854775807, 9223372036854775807, 0]"#,
        ),
        (
            Parts::new().sizes([3, 2, 5, -1, 1]),
            r#"content of "fc.shape" is [3, 2, 5, -1, 1]"#,
        ),
        (
            Parts::new().sizes([3, 11]),
            "has shape [11, 3] in the file, but [10, 3] in the module",
        ),
        // Counts that disagree.
        (
            Parts::new().bits(&[9, 2, 0, 0, 0x82, 0]),
            r#"shape of "fc.compressed" is [6], but should be [5]"#,
        ),
        (
            Parts::new().bits(&[9, 2, 0, 0, 0x82, 3]),
            "is [6], but should be [7]",
        ),
        (
            Parts::new().with("fc.compressed", "F32", "[5]", floats(5)),
            "is [5], but should be [6]",
        ),
        (
            Parts::new().with("fc.compressed", "F32", "[7]", floats(7)),
            "is [7], but should be [6]",
        ),
        (
            Parts::new().bits(&[9, 6, 0, 0, 0x82, 1]),
            r#"bits after the last column of "fc.bitmask" is 1 in row 0, but should be 0"#,
        ),
        (Parts::new().bits(&[9, 2, 0, 0, 0x82, 0x81]), "1 in row 2"),
        // Offsets that do.
        (
            Parts::new().offsets(&[0, 3, 4]),
            r#"content of "fc.row_offsets" is 4 in row 2, but should be 3"#,
        ),
        (
            Parts::new().offsets(&[1, 3, 3]),
            "is 1 in row 0, but should be 0",
        ),
        (
            Parts::new().offsets(&[0, -3, 3]),
            "is -3 in row 1, but should be 3",
        ),
        (
            Parts::new().offsets(&[0, i64::MAX, 3]),
            "in row 1, but should be 3",
        ),
        (
            Parts::new().offsets(&[3, 3, 0]),
            "is 3 in row 0, but should be 0",
        ),
    ];
    for (parts, expected) in table {
        let text = refused(parts.file());
        assert!(text.contains(expected), "{text}\nbut expected\n{expected}");
    }
}

#[test]
fn every_lie_of_the_header_has_its_error() {
    let tensor = |shape: &str, place: &str| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{place}}}}}"#)
    };
    let big = u64::MAX;
    let table = [
        (
            tensor("[2]", "[0,8]"),
            8,
            "lacks 1 of the module's parameters: fc.weight",
        ),
        (tensor("[2]", "[0,9]"), 9, "not a safetensors file"),
        (tensor("[3]", "[0,8]"), 8, "not a safetensors file"),
        (tensor("[2]", "[0,8]"), 9, "not a safetensors file"),
        (tensor("[1]", "[4,8]"), 8, "not a safetensors file"),
        (
            tensor("[2]", "[0,8]"),
            7,
            r#"place of "a" is 0..8, but should be within 0..7"#,
        ),
        (tensor("[2]", "[8,0]"), 8, r#"place of "a" is 8..0"#),
        (
            tensor("[2]", &format!("[0,{big}]")),
            8,
            r#"place of "a" is 0..18446744073709551615"#,
        ),
        (
            tensor(&format!("[{big},{big}]"), "[0,8]"),
            8,
            "not a safetensors file",
        ),
        (
            tensor(&format!("[{big}]"), "[0,8]"),
            8,
            "not a safetensors file",
        ),
        (
            tensor("[2]", &format!("[0,{big}0]")),
            8,
            "not a safetensors file",
        ),
        (tensor("[-1]", "[0,8]"), 8, "not a safetensors file"),
        (
            r#"{"__metadata__":{"format":"tf"}}"#.to_string(),
            0,
            r#"format is "tf", but should be pt or burn"#,
        ),
        ("{".repeat(1000), 0, "not a safetensors file"),
        ("[".repeat(100_000), 0, "not a safetensors file"),
        (String::new(), 0, "not a safetensors file"),
    ];
    for (header, data, expected) in table {
        let text = refused(file(&header, &vec![0; data]));
        let start = &header[..header.len().min(60)];
        assert!(
            text.contains(expected),
            "{start}: {text}\nbut expected\n{expected}"
        );
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    let (model, bytes) = small();
    let good = |bytes: Vec<u8>| read(&model, bytes);
    assert!(good(bytes.clone()).is_ok());
    // The only BOOL tensor is the last: 2 is neither true nor false.
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() = 2;
    let error = good(changed).unwrap_err().to_string();
    assert_eq!(
        error,
        r#"the content of "flags" is 2, but should be 0 or 1"#
    );
    // Floats where whole numbers should be, of the same length.
    let entry = b"\"counts\":{\"dtype\":\"";
    let at = bytes
        .windows(entry.len())
        .position(|window| window == entry);
    let mut changed = bytes.clone();
    changed[at.unwrap() + entry.len()] = b'F';
    let partial = LoadConfig::new().with_partial(true);
    let (_, report) = partial.load_bytes(&model, changed.clone()).unwrap();
    assert!(
        matches!(&report.misfits[..], [Misfit::Type { path, .. }] if path == "counts"),
        "{report}"
    );
    let error = good(changed).unwrap_err();
    assert!(
        matches!(&error, SparseError::TypeMismatch { path, .. } if path == "counts"),
        "{error}"
    );
}

/// Found by fuzzing: Burn's own conversion panics here.
#[test]
fn whole_numbers_that_do_not_fit_are_refused() {
    let panics = panics();
    let (model, bytes) = small();
    let values = model.counts.val().into_data();
    let file = |dtype: &str, number: &[u8]| {
        let header = format!(
            r#"{{"counts":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{}]}}}}"#,
            2 * number.len()
        );
        file(&header, &number.repeat(2))
    };
    let load = |bytes| {
        LoadConfig::new()
            .with_partial(true)
            .load_bytes(&model, bytes)
    };
    // Of whatever width the backend's are.
    let table = [
        ("U32", (u32::MAX - 6).to_le_bytes().to_vec(), 4),
        ("U64", u64::MAX.to_le_bytes().to_vec(), 8),
        ("I64", i64::MIN.to_le_bytes().to_vec(), 4),
    ];
    for (dtype, number, width) in table {
        let loaded = load(file(dtype, &number));
        if values.dtype().size() <= width {
            let text = loaded.unwrap_err().to_string();
            assert!(text.starts_with("counts could not be read"), "{text}");
            assert!(text.contains("does not fit in I"), "{text}");
        }
    }
    let seven = load(file("U16", &[7, 0])).unwrap().0.counts.val();
    assert_eq!(seven.try_into_vec_as::<i64>().unwrap(), [7, 7]);
    assert!(read(&model, bytes).is_ok());
    assert_eq!(self::panics(), panics);
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    let (model, bytes) = small();
    for length in 0..bytes.len() {
        let loaded = read(&model, bytes[..length].to_vec());
        assert!(loaded.is_err(), "{length} of {} bytes", bytes.len());
    }
    let more = [bytes.as_slice(), &[0]].concat();
    assert!(read(&model, more).is_err());
}

#[test]
fn a_file_with_any_byte_changed_never_panics() {
    let panics = panics();
    let (model, bytes) = small();
    for place in 0..bytes.len() {
        for change in [0x01, 0x5a, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            fuzz::sparse_file(&changed, &model, &device());
        }
    }
    assert_eq!(self::panics(), panics);
}

#[test]
fn a_module_with_masks_in_its_graph_is_refused() {
    let device: Device = device().autodiff();
    let model = burn_seven_tests::model::Net::new(1, &device);
    let schedule = burn_seven::OneShotSchedule::new(0, burn_seven::Sparsity::new(0.5).unwrap());
    let scorer = burn_seven::MagnitudeScorerConfig::new().init();
    let mut pruner = burn_seven::PrunerConfig::new(schedule)
        .init(scorer, &model)
        .unwrap();
    let (bytes, _) = burn_seven::sparse::SaveConfig::new()
        .to_bytes(&model)
        .unwrap();
    let masked = pruner.attach(model).unwrap();
    let expected = "first.weight carries the reparameterization \"pruning_mask\": call \
                    `Pruner::finish` or `Module::materialize` first";
    let error = burn_seven::sparse::SaveConfig::new()
        .to_bytes(&masked)
        .unwrap_err();
    assert_eq!(error.to_string(), expected);
    let error = read(&masked, bytes.clone()).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let finished = pruner.finish_early(masked).unwrap();
    let (_, report) = burn_seven::sparse::SaveConfig::new()
        .to_bytes(&finished)
        .unwrap();
    assert!(report.bytes > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300)))]

    #[test]
    fn several_changes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let panics = panics();
        let (model, mut bytes) = small();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        fuzz::sparse_file(&bytes, &model, &device());
        let _ = load_masks_bytes(bytes, &device());
        prop_assert_eq!(self::panics(), panics);
    }
}
