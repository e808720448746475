//! Sparse files: the worked example of the layout byte for byte, and models that come back.
#![allow(clippy::unwrap_used)] // a test may fail that way

#[path = "common/sparse.rs"]
mod common;

use std::collections::HashMap;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, LinearLayout};
use burn::tensor::{DType, Tensor, TensorData};
use burn_seven::sparse::{FloatType, LoadConfig, Names, SaveConfig, SparseError, load, save_dense};
use burn_seven_tests::{cases, devices, last_device};
use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use common::*;

const TYPES: [FloatType; 3] = [FloatType::F32, FloatType::F16, FloatType::BF16];

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// What a model has after a file of this type, if that is not its own.
fn rounded<M: Module>(model: &M, dtype: FloatType) -> Vec<TensorData> {
    let round = |data: TensorData| match data.dtype().is_float() {
        true => {
            let own = data.dtype();
            data.try_cast(dtype.into()).unwrap().try_cast(own).unwrap()
        }
        false => data,
    };
    values(model).into_iter().map(round).collect()
}

#[test]
fn the_worked_example_is_byte_for_byte() {
    let compressed = [
        "0000803f 000000c0 0000003f 00008040 000080be 00000041",
        "003c 00c0 0038 0044 00b4 0048",
        "803f 00c0 003f 8040 80be 0041",
    ];
    for device in devices() {
        for (dtype, compressed) in TYPES.into_iter().zip(compressed) {
            let config = SaveConfig::new().with_dtype(dtype);
            let (bytes, report) = config.to_bytes(&example(&device)).unwrap();
            let float = match dtype {
                FloatType::F32 => Dtype::F32,
                FloatType::F16 => Dtype::F16,
                FloatType::BF16 => Dtype::BF16,
            };
            let integers = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let expected = HashMap::from([
                (
                    "fc.bitmask".to_string(),
                    (Dtype::U8, vec![3, 2], hex("09 02 00 00 82 01")),
                ),
                (
                    "fc.compressed".to_string(),
                    (float, vec![6], hex(compressed)),
                ),
                (
                    "fc.row_offsets".to_string(),
                    (Dtype::I64, vec![3], integers(&[0, 3, 3])),
                ),
                (
                    "fc.shape".to_string(),
                    (Dtype::I64, vec![2], integers(&[3, 10])),
                ),
            ]);
            assert_eq!(tensors(&bytes), expected, "{dtype:?}");
            assert_eq!(report.sparse[0].bytes, 46 + 6 * DType::from(dtype).size());
            assert_eq!(report.dense_bytes, 30 * DType::from(dtype).size());
            assert_eq!(report.bytes, bytes.len());

            let again = read(&Layer::new(10, 3, &device), bytes).unwrap();
            assert_eq!(values(&again), values(&example(&device)), "{dtype:?}");
        }
    }
}

#[test]
fn the_worked_example_is_a_file_that_can_be_written_out() {
    let (bytes, _) = SaveConfig::new()
        .to_bytes(&example(&last_device()))
        .unwrap();
    let header = r#"{"__metadata__":{"format":"pt"},"fc.row_offsets":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"fc.shape":{"dtype":"I64","shape":[2],"data_offsets":[24,40]},"fc.compressed":{"dtype":"F32","shape":[6],"data_offsets":[40,64]},"fc.bitmask":{"dtype":"U8","shape":[3,2],"data_offsets":[64,70]}}"#;
    let mut expected = (header.len().next_multiple_of(8) as u64)
        .to_le_bytes()
        .to_vec();
    expected.extend(header.bytes());
    expected.resize(8 + header.len().next_multiple_of(8), b' ');
    for value in [0i64, 3, 3, 3, 10] {
        expected.extend(value.to_le_bytes());
    }
    expected.extend(hex("0000803f 000000c0 0000003f 00008040 000080be 00000041"));
    expected.extend(hex("09 02 00 00 82 01"));
    assert_eq!(bytes, expected);
    // And it is what the safetensors crate writes of the same tensors.
    let views = tensors(&bytes)
        .into_iter()
        .map(|(name, (dtype, shape, data))| {
            (name, TensorView::new(dtype, shape, data.leak()).unwrap())
        });
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let written = safetensors::serialize(views.collect::<Vec<_>>(), Some(metadata)).unwrap();
    assert_eq!(bytes, written);
}

/// Rows are the first dimension, columns all others: 0, 1, 0, 2 is column 8 of 12.
#[test]
fn a_convolution_is_a_matrix_of_bits_whatever_its_rank() {
    let device = last_device();
    let mut values = vec![0f32; 24];
    (values[1], values[8], values[12 + 11]) = (1.0, -2.0, 0.5);
    let config = Conv2dConfig::new([2, 2], [2, 3]).with_bias(false);
    let model = |values: Vec<f32>| {
        let mut conv = config.init(&device);
        let data = TensorData::new(values, [2, 2, 2, 3]);
        conv.weight = conv.weight.map(|_| Tensor::from_data(data, &device));
        Stem { conv }
    };
    let written = model(values.clone());
    let integers = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let expected = [
        ("conv.bitmask", Dtype::U8, vec![2, 2], hex("02 01 00 08")),
        (
            "conv.compressed",
            Dtype::F32,
            vec![3],
            hex("0000803f 000000c0 0000003f"),
        ),
        ("conv.row_offsets", Dtype::I64, vec![2], integers(&[0, 2])),
        ("conv.shape", Dtype::I64, vec![4], integers(&[2, 2, 2, 3])),
    ];
    let expected: HashMap<_, _> = expected
        .into_iter()
        .map(|(name, dtype, shape, data)| (name.to_string(), (dtype, shape, data)))
        .collect();
    for names in [Names::PyTorch, Names::Burn] {
        let config = SaveConfig::new().with_names(names);
        let (bytes, report) = config.to_bytes(&written).unwrap();
        assert_eq!(tensors(&bytes), expected);
        assert_eq!(report.sparse[0].shape, [2, 2, 2, 3]);
        assert_eq!(report.sparse[0].bytes, 4 * 8 + 2 * 8 + 4 + 3 * 4);
        assert!(report.to_string().contains("2x2x2x3"), "{report}");
        let again = read(&model(vec![9.0; 24]), bytes).unwrap();
        assert_eq!(common::values(&again), common::values(&written));
        // Not into a module that has the entries in another shape.
        let (bytes, _) = config.to_bytes(&written).unwrap();
        let other = Stem {
            conv: Conv2dConfig::new([3, 2], [2, 2])
                .with_bias(false)
                .init(&device),
        };
        let error = read(&other, bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "conv.weight has shape [2, 2, 2, 3] in the file, but [2, 3, 2, 2] in the module"
        );
    }
    let dense = SaveConfig::new().with_dense_convolutions(true);
    assert_eq!(
        tensors(&dense.to_bytes(&written).unwrap().0)["conv.weight"].1,
        [2, 2, 2, 3]
    );
}

#[derive(Module, Debug)]
struct Stem {
    conv: Conv2d,
}

/// An autoencoder: convolutions, transposed ones, and a layer between.
#[derive(Module, Debug)]
struct Cnn {
    down: Vec<Conv2d>,
    norm: BatchNorm,
    inner: Linear,
    up: Vec<ConvTranspose2d>,
}

#[test]
fn at_95_percent_a_cnn_takes_at_most_an_eighth_of_its_dense_file() {
    let device = last_device();
    let down = |sizes: [usize; 2]| Conv2dConfig::new(sizes, [3, 3]).init(&device);
    let up = |sizes: [usize; 2]| ConvTranspose2dConfig::new(sizes, [3, 3]).init(&device);
    let model = || Cnn {
        down: vec![down([3, 32]), down([32, 64]), down([64, 128])],
        norm: BatchNormConfig::new(128).init(&device),
        inner: LinearConfig::new(128, 128).init(&device),
        up: vec![up([128, 64]), up([64, 32]), up([32, 3])],
    };
    let folder = tempfile::tempdir().unwrap();
    let (sparse, dense) = (folder.path().join("sparse"), folder.path().join("dense"));
    let pruned = prune(model(), 0.95);
    let report = burn_seven::sparse::save(&pruned, &sparse).unwrap();
    assert_eq!(report.sparse.len(), 7, "{report}");
    save_dense(&pruned, &dense).unwrap();
    let size = |path| std::fs::metadata(path).unwrap().len() as f64;
    let share = size(&sparse) / size(&dense);
    // 0.05 of the values, a bit an entry, 1/32 = 0.03, and what each row and tensor takes.
    assert!((0.09..0.125).contains(&share), "{share}");
    let again = load(&model(), &sparse).unwrap();
    assert_eq!(values(&again), values(&pruned));
}

#[test]
fn modules_of_all_kinds_come_back_in_every_type_and_by_both_names() {
    for device in devices() {
        let (model, template) = (prune(Zoo::new(&device), 0.7), Zoo::new(&device));
        for names in [Names::PyTorch, Names::Burn] {
            for dtype in TYPES {
                let config = SaveConfig::new().with_names(names).with_dtype(dtype);
                let (bytes, report) = config.to_bytes(&model).unwrap();
                assert!(report.sparse.len() > 23, "{report}");
                let again = read(&template, bytes).unwrap();
                assert_eq!(
                    values(&again),
                    rounded(&model, dtype),
                    "{names:?} {dtype:?}"
                );
            }
            let config = SaveConfig::new().with_names(names).with_dense(true);
            let (bytes, report) = config.to_bytes(&model).unwrap();
            assert!(report.sparse.is_empty() && report.dense_bytes < bytes.len());
            let again = read(&template, bytes).unwrap();
            assert_eq!(values(&again), values(&model), "{names:?}");
        }
    }
}

#[test]
fn pytorch_has_its_own_names_and_orientation() {
    let model = prune(Zoo::new(&last_device()), 0.7);
    let (bytes, _) = SaveConfig::new().with_dense(true).to_bytes(&model).unwrap();
    let file = tensors(&bytes);
    assert_eq!(file["layers.0.weight"].1, [9, 20]);
    assert_eq!(file["column.weight"].1, [12, 20]);
    assert_eq!(file["embedding.weight"].1, [11, 20]);
    assert_eq!(file["norm.weight"].1, [20]);
    assert!(file.contains_key("encoder.layers.1.norm_1.bias"));
    assert!(file.contains_key("choice.weight"));
    let own = SaveConfig::new().with_dense(true).with_names(Names::Burn);
    let (bytes, _) = own.to_bytes(&model).unwrap();
    let file = tensors(&bytes);
    assert_eq!(file["layers.0.weight"].1, [20, 9]);
    assert_eq!(file["column.weight"].1, [20, 12]);
    assert_eq!(file["norm.gamma"].1, [20]);
    assert!(file.contains_key("choice.Wide.weight"));
}

/// Burn saves a column layout transposed; here the layout is the file's business alone.
#[test]
fn a_column_layout_is_the_same_weight() {
    let device = last_device();
    let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
    let row = Layer::new(4, 3, &device).with(values.clone());
    let config = LinearConfig::new(4, 3).with_bias(false);
    let column = config.with_layout(LinearLayout::Col).init(&device);
    let template = Layer { fc: column };
    let (bytes, _) = SaveConfig::new().to_bytes(&row).unwrap();
    for _ in 0..2 {
        let again = read(&template, bytes.clone()).unwrap();
        assert_eq!(
            again.fc.weight.val().into_data(),
            row.fc.weight.val().into_data()
        );
        assert_eq!(SaveConfig::new().to_bytes(&again).unwrap().0, bytes);
        let _ = template.fc.weight.val(); // the second time it is initialized
    }
}

#[test]
fn at_90_percent_a_file_takes_at_most_14_percent_of_the_dense_one() {
    let device = last_device();
    let folder = tempfile::tempdir().unwrap();
    let model = prune(Layer::new(768, 3072, &device), 0.9);
    let (sparse, dense) = (folder.path().join("sparse"), folder.path().join("dense"));
    let report = burn_seven::sparse::save(&model, &sparse).unwrap();
    save_dense(&model, &dense).unwrap();
    let size = |path| std::fs::metadata(path).unwrap().len() as f64;
    let share = size(&sparse) / size(&dense);
    assert_eq!(report.bytes as f64, size(&sparse));
    assert!(share <= 0.14, "{share}");
    assert!(share > 0.13, "{share}");
    let again = load(&Layer::new(768, 3072, &device), &sparse).unwrap();
    assert_eq!(values(&again), values(&model));
}

#[test]
fn values_are_converted_to_the_types_of_the_module() {
    let device = burn_seven_flex::device(); // not every backend has F64
    let (bytes, _) = SaveConfig::new().to_bytes(&example(&device)).unwrap();
    let mut template = Layer::new(10, 3, &device);
    template.fc.weight = template.fc.weight.map(|weight| weight.cast(DType::F64));
    let again = read(&template, bytes).unwrap();
    assert_eq!(again.fc.weight.val().dtype(), DType::F64);
    let (bytes, report) = SaveConfig::new().to_bytes(&again).unwrap();
    assert!(report.sparse.is_empty(), "F64 has no sparse form");
    let again = read(&example(&device), bytes).unwrap();
    assert_eq!(values(&again), values(&example(&device)));

    let large = Layer::new(10, 3, &device).with(vec![1e5; 30]);
    let error = SaveConfig::new()
        .with_dtype(FloatType::F16)
        .to_bytes(&large)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "fc.weight holds a value that is finite in F32, but too large for F16"
    );
    let (bytes, _) = SaveConfig::new()
        .with_dtype(FloatType::BF16)
        .to_bytes(&large)
        .unwrap();
    assert!(read(&large, bytes).is_ok());
}

#[test]
fn loading_leaves_the_module_that_it_is_given_as_it_was() {
    let device = last_device().autodiff();
    let (bytes, _) = SaveConfig::new().to_bytes(&example(&device)).unwrap();
    let template = Layer::new(10, 3, &device);
    let again = read(&template, bytes.clone()).unwrap();
    assert!(!template.fc.weight.is_initialized());
    assert_eq!(again.fc.weight.id, template.fc.weight.id);
    assert!(again.fc.weight.val().is_require_grad());

    let frozen = template.clone().freeze();
    let again = read(&frozen, bytes).unwrap();
    assert!(!again.fc.weight.val().is_require_grad());
    assert_ne!(values(&template), values(&again));
}

fn paths<const N: usize>(paths: [&str; N]) -> Vec<String> {
    paths.map(str::to_string).to_vec()
}

#[derive(Module, Debug)]
struct Backbone<H: Module> {
    stem: Conv2d,
    inner: Linear,
    head: H,
}

/// A model of ten classes is the start of one of three.
#[test]
fn a_file_of_a_model_with_another_head_loads_but_for_the_head() {
    for device in devices() {
        let linear = |outputs| LinearConfig::new(16, outputs).init(&device);
        let backbone = |head| {
            let stem = Conv2dConfig::new([3, 8], [5, 5]).init(&device);
            Backbone {
                stem,
                inner: linear(16),
                head,
            }
        };
        let old = prune(backbone(linear(10)), 0.8);
        let new = backbone(linear(3));
        let (stem, head) = (values(&new.stem), values(&new.head));
        for names in [Names::PyTorch, Names::Burn] {
            let (bytes, _) = SaveConfig::new().with_names(names).to_bytes(&old).unwrap();
            let error = read(&new, bytes.clone()).unwrap_err().to_string();
            let expected = "head.weight has shape [16, 10] in the file, but [16, 3] in the module";
            assert_eq!(error, expected);

            let partial = LoadConfig::new().with_partial(true);
            let (again, report) = partial.load_bytes(&new, bytes.clone()).unwrap();
            assert_eq!(values(&again.stem), values(&old.stem));
            assert_eq!(values(&again.inner), values(&old.inner));
            assert_eq!(values(&again.head), head);
            // The module that was given is as it was.
            assert_eq!(
                (values(&new.stem), values(&new.head)),
                (stem.clone(), head.clone())
            );
            let loaded = ["stem.weight", "stem.bias", "inner.weight", "inner.bias"];
            assert_eq!(report.loaded, paths(loaded));
            let text = format!(
                "4 of 6 parameters loaded\n{expected}\n\
                 head.bias has shape [10] in the file, but [3] in the module"
            );
            assert_eq!(report.to_string(), text);
            assert!(!report.is_complete());

            // A head of another name: what is missing and what is not used.
            let other = Backbone {
                stem: new.stem.clone(),
                inner: new.inner.clone(),
                head: vec![linear(3)],
            };
            let (_, report) = partial.load_bytes(&other, bytes.clone()).unwrap();
            assert_eq!(report.missing, paths(["head.0.weight", "head.0.bias"]));
            assert_eq!(report.unused, paths(["head.bias", "head.weight"]));
            assert!(report.misfits.is_empty());

            // And all of it where all of it fits.
            let (same, report) = partial.load_bytes(&old, bytes).unwrap();
            assert!(report.is_complete() && report.loaded.len() == 6);
            assert_eq!(values(&same), values(&old));
        }
    }
}

/// Names with a prefix too many, for one: nothing loaded is no success.
#[test]
fn a_file_of_which_nothing_fits_is_an_error() {
    let device = last_device();
    let (bytes, _) = SaveConfig::new().to_bytes(&example(&device)).unwrap();
    let partial = LoadConfig::new().with_partial(true);
    let wrapped = vec![Layer::new(10, 3, &device)];
    let error = partial.load_bytes(&wrapped, bytes.clone()).unwrap_err();
    let expected =
        "nothing of the file fits the module: it has fc.weight, the module has 0.fc.weight";
    assert_eq!(error.to_string(), expected);
    let error = partial
        .load_bytes(&Layer::new(10, 4, &device), bytes)
        .unwrap_err();
    assert!(
        matches!(error, SparseError::NothingLoaded { .. }),
        "{error}"
    );
    let (many, _) = SaveConfig::new().to_bytes(&Zoo::new(&device)).unwrap();
    let error = partial
        .load_bytes(&example(&device), many)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("attention.key.bias, attention.key.weight, "),
        "{error}"
    );
    assert!(error.contains(" more, the module has fc.weight"), "{error}");
}

#[test]
fn files_of_another_model_are_refused() {
    let device = last_device();
    let (bytes, _) = SaveConfig::new().to_bytes(&example(&device)).unwrap();
    let load = |model: &Layer| read(model, bytes.clone());
    let error = load(&Layer::new(3, 10, &device)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "fc.weight has shape [10, 3] in the file, but [3, 10] in the module"
    );
    let mut biased = Layer::new(10, 3, &device);
    biased.fc.bias = LinearConfig::new(10, 3).init(&device).bias;
    let error = load(&biased).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file lacks 1 of the module's parameters: fc.bias"
    );
    let partial = LoadConfig::new().with_partial(true);
    let (again, report) = partial.load_bytes(&biased, bytes.clone()).unwrap();
    assert_eq!(
        (report.loaded, report.missing),
        (paths(["fc.weight"]), paths(["fc.bias"]))
    );
    assert_eq!(
        again.fc.weight.val().into_data(),
        example(&device).fc.weight.val().into_data()
    );

    let (more, _) = SaveConfig::new().to_bytes(&biased).unwrap();
    let error = read(&example(&device), more.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the module has no place for 1 of the file's tensors: fc.bias"
    );
    let (_, report) = partial.load_bytes(&example(&device), more).unwrap();
    assert_eq!(
        (report.loaded, report.unused),
        (paths(["fc.weight"]), paths(["fc.bias"]))
    );

    // The header says that the names are PyTorch's; by Burn's the orientation is another.
    let burn = LoadConfig::new().with_names(Names::Burn);
    let error = burn
        .load_bytes(&example(&device), bytes.clone())
        .unwrap_err();
    assert!(
        matches!(error, SparseError::ShapeMismatch { .. }),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(48)))]

    #[test]
    fn what_is_written_is_read(
        (inputs, outputs) in (1usize..24, 1usize..12),
        kept in 0u32..=100,
        seed in any::<u32>(),
        names in prop_oneof![Just(Names::PyTorch), Just(Names::Burn)],
    ) {
        let device = last_device();
        let mut noise = burn_seven_tests::model::Noise::new(u64::from(seed));
        let values: Vec<f32> = (0..inputs * outputs)
            .map(|_| if (noise.next() + 0.5) * 100.0 < kept as f32 { noise.next() } else { -0.0 })
            .collect();
        let model = Layer::new(inputs, outputs, &device).with(values.clone());
        let config = SaveConfig::new().with_names(names);
        let (bytes, report) = config.to_bytes(&model).unwrap();
        let template = Layer::new(inputs, outputs, &device);
        let again = read(&template, bytes.clone()).unwrap();
        prop_assert_eq!(again.fc.weight.val().try_into_vec_as::<f32>().unwrap(), values);
        let total: usize = tensors(&bytes).values().map(|(_, _, data)| data.len()).sum();
        prop_assert!(total <= report.dense_bytes, "the sparse form is only taken where it is smaller");
        for weight in &report.sparse {
            let [rows, columns] = weight.shape[..] else { panic!("{weight:?}") };
            let expected = 16 + 8 * rows + rows * columns.div_ceil(8) + 4 * weight.kept;
            prop_assert_eq!(weight.bytes, expected);
        }
    }
}
