//! What lies beside a sparse file, masks without weights, and names that are taken.
#![allow(clippy::unwrap_used)] // a test may fail that way

#[path = "common/sparse.rs"]
mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_seven::sparse::{
    Activation, Names, PackConfig, PackRule, SaveConfig, SparseError, SparseLinear, load,
    load_masks, load_masks_bytes, save, save_dense, save_masks,
};
use burn_seven::{Mask, Masks, Selection};
use burn_seven_tests::{devices, last_device, model::Net};
use serde_json::{Value, json};

use common::*;

#[derive(Module, Debug)]
struct Classifier {
    embedding: Embedding,
    inner: Linear,
    head: Linear,
}

/// A pruned embedding and layer, and a head that was left out.
fn classifier(device: &Device) -> Classifier {
    let mut model = Classifier {
        embedding: EmbeddingConfig::new(20, 16).init(device),
        inner: LinearConfig::new(16, 16).init(device),
        head: LinearConfig::new(16, 3).init(device),
    };
    model.embedding = prune(model.embedding, 0.5);
    model.inner = prune(model.inner, 0.9);
    model
}

fn config(folder: &Path) -> Value {
    let text = std::fs::read(folder.join("config.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_description_names_what_is_compressed_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = classifier(&last_device());
    std::fs::write(folder.path().join("config.json"), r#"{"hidden_size": 16}"#).unwrap();
    let report = save(&model, &path).unwrap();
    let config = config(folder.path());
    assert_eq!(config["hidden_size"], 16);
    let described = &config["quantization_config"];
    assert_eq!(described["quant_method"], "compressed-tensors");
    let sparsity = &described["sparsity_config"];
    assert_eq!(sparsity["targets"], json!(["Embedding", "Linear"]));
    assert_eq!(sparsity["ignore"], json!(["head"]));
    // 160 of 320, 230 of 256 and what the initial biases have, of 320 + 256 + 48 + 19.
    let share = sparsity["global_sparsity"].as_f64().unwrap();
    assert!((share - 390.0 / 643.0).abs() < 0.01, "{share}");
    assert_eq!(report.sparse.len(), 2);
    let dense: Vec<&str> = report
        .dense
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    assert_eq!(dense, ["inner.bias", "head.weight", "head.bias"]);
    assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
}

#[derive(Module, Debug)]
struct Vision {
    convolutions: Convolutions,
    head: Linear,
}

#[test]
fn convolutions_are_in_the_description_unless_they_are_to_stay_dense() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let device = last_device();
    let model = prune(
        Vision {
            convolutions: Convolutions::new(&device),
            head: LinearConfig::new(16, 16).init(&device),
        },
        0.9,
    );
    save(&model, &path).unwrap();
    let sparsity = &config(folder.path())["quantization_config"]["sparsity_config"];
    let targets = [
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "DeformConv2d",
        "Linear",
    ];
    assert_eq!(sparsity["targets"], json!(targets));
    assert_eq!(sparsity["ignore"], json!([]));
    let report = SaveConfig::new()
        .with_dense_convolutions(true)
        .save(&model, &path);
    assert_eq!(report.unwrap().sparse.len(), 1);
    let sparsity = &config(folder.path())["quantization_config"]["sparsity_config"];
    assert_eq!(sparsity["targets"], json!(["Linear"]));
    assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
}

#[test]
fn a_dense_model_has_no_targets_rather_than_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = Layer::new(4, 4, &last_device());
    save(&model, &path).unwrap();
    let sparsity = config(folder.path())["quantization_config"]["sparsity_config"].clone();
    assert_eq!(sparsity["targets"], json!([]));
    assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
}

#[test]
fn files_of_burns_names_and_dense_ones_have_no_description() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = classifier(&last_device());
    SaveConfig::new()
        .with_names(Names::Burn)
        .save(&model, &path)
        .unwrap();
    assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
    save_dense(&model, &path).unwrap();
    assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn a_call_that_fails_replaces_neither_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = classifier(&last_device());
    std::fs::write(&path, "before").unwrap();
    std::fs::write(folder.path().join("config.json"), "not JSON").unwrap();
    let error = save(&model, &path).unwrap_err();
    assert!(matches!(error, SparseError::Config { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    let error = save(&model, folder.path().join("config.json")).unwrap_err();
    assert!(matches!(error, SparseError::Config { .. }), "{error}");
    // A folder cannot be replaced by a file.
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(matches!(
        save(&model, folder.path().join("folder")),
        Err(SparseError::Io { .. })
    ));
    assert!(matches!(
        save(&model, folder.path().join("no/such/folder")),
        Err(SparseError::Io { .. })
    ));
    assert!(matches!(
        load(&model, folder.path().join("none")),
        Err(SparseError::Io { .. })
    ));
    let files = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        files
    };
    assert_eq!(files(), ["folder", "model.safetensors"]);
    // Nor the description, when only the model cannot be replaced.
    let described = r#"{"hidden_size": 16}"#;
    std::fs::write(folder.path().join("config.json"), described).unwrap();
    assert!(save(&model, folder.path().join("folder")).is_err());
    let text = std::fs::read(folder.path().join("config.json")).unwrap();
    assert_eq!(text, described.as_bytes());
    assert_eq!(files(), ["config.json", "folder", "model.safetensors"]);
    // Nor the model, when only the description cannot be.
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    std::fs::create_dir(folder.path().join("config.json")).unwrap();
    assert!(save(&model, &path).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(files(), ["config.json", "folder", "model.safetensors"]);
}

/// A killed process leaves its temporary file, and the next one of a container has its id.
#[test]
fn what_a_killed_process_left_is_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = classifier(&last_device());
    for name in ["model.safetensors", "config.json"] {
        for count in 0..100 {
            let left = format!(".{name}.{}-{count}.tmp", std::process::id());
            std::fs::write(folder.path().join(left), "half a file").unwrap();
        }
    }
    for _ in 0..2 {
        save(&model, &path).unwrap();
        assert_eq!(values(&load(&model, &path).unwrap()), values(&model));
    }
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 200 + 2);
}

#[cfg(unix)]
#[test]
fn files_keep_mode_and_owner_and_links_stay_links() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = classifier(&last_device());
    std::fs::create_dir(at("blobs")).unwrap();
    symlink("blobs/1", at("model.safetensors")).unwrap();
    symlink("blobs/2", at("config.json")).unwrap();
    symlink("blobs/3", at("masks")).unwrap();
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    let save = || {
        save(&model, at("model.safetensors")).unwrap();
        save_masks(&masks, at("masks")).unwrap();
    };
    // The first time there is nothing where the links point to.
    save();
    let blobs = ["1", "2", "3"].map(|name| at("blobs").join(name));
    for (blob, mode) in blobs.iter().zip([0o600, 0o640, 0o400]) {
        std::fs::set_permissions(blob, PermissionsExt::from_mode(mode)).unwrap();
        // Only the superuser may give a file away.
        let _ = chown(blob, Some(1234), Some(4321));
    }
    let what = |blob| {
        let metadata = std::fs::metadata(blob).unwrap();
        (metadata.mode(), metadata.uid(), metadata.gid())
    };
    let before = blobs.each_ref().map(what);
    let inodes = || {
        blobs
            .each_ref()
            .map(|blob| std::fs::metadata(blob).unwrap().ino())
    };
    let old = inodes();
    save();
    assert_eq!(blobs.each_ref().map(what), before);
    assert_ne!(inodes(), old, "nothing was replaced");
    for name in ["model.safetensors", "config.json", "masks"] {
        assert!(at(name).is_symlink());
    }
    assert_eq!(
        values(&load(&model, at("model.safetensors")).unwrap()),
        values(&model)
    );
    assert_eq!(std::fs::read_dir(at("blobs")).unwrap().count(), 3);
}

/// What [`a_save_that_is_killed_leaves_one_model_or_the_other`] kills.
#[test]
#[ignore = "does not end by itself"]
fn saves_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("the folder, from the test that kills");
    let path = Path::new(&folder).join("model.safetensors");
    let models = alternatives(&last_device());
    for model in models.iter().cycle() {
        save(model, &path).unwrap();
    }
}

const FOLDER: &str = "BURN_SEVEN_TEST_FOLDER";

/// One of 50 % zeros, and one of 90 %.
fn alternatives(device: &Device) -> [Layer; 2] {
    let layer = |kept: usize| {
        let value = |at: usize| if at.is_multiple_of(kept) { 1.0 } else { 0.0 };
        Layer::new(64, 64, device).with((0..64 * 64).map(value).collect())
    };
    [layer(2), layer(10)]
}

#[test]
fn a_save_that_is_killed_leaves_one_model_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let models = alternatives(&last_device());
    save(&models[0], &path).unwrap();
    for pause in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "saves_until_it_is_killed", "--ignored"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Until it has begun: its temporary files come and go.
        let begun = std::fs::metadata(&path).unwrap().modified().unwrap();
        while std::fs::metadata(&path).unwrap().modified().unwrap() == begun {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = values(&load(&models[0], &path).unwrap());
        assert!(models.iter().any(|model| values(model) == found));
        let described = &config(folder.path())["quantization_config"]["sparsity_config"];
        let share = described["global_sparsity"].as_f64().unwrap();
        assert!(
            [0.5, 0.9].iter().any(|zeros| (share - zeros).abs() < 1e-3),
            "{share}"
        );
        // And what it left is in nobody's way.
        save(&models[0], &path).unwrap();
    }
}

#[derive(Module, Debug)]
struct Taken {
    fc: Linear,
    bitmask: Param<Tensor<1>>,
}

#[test]
fn names_that_sparse_weights_use_are_refused() {
    let device = last_device();
    let model = Taken {
        fc: LinearConfig::new(4, 4).init(&device),
        bitmask: Param::from_data([1.0], &device),
    };
    let error = SaveConfig::new().to_bytes(&model).unwrap_err();
    let expected = "bitmask ends in \"bitmask\", which is the name of a part of a sparse weight";
    assert_eq!(error.to_string(), expected);
}

#[derive(Module, Debug)]
struct Sparse {
    fc: SparseLinear,
}

#[test]
fn a_sparse_layer_is_a_linear_one_packed_or_not() {
    let device = last_device();
    let dense = example(&device);
    let sparse = Sparse {
        fc: SparseLinear {
            weight: dense.fc.weight.clone(),
            bias: None,
            activation: Activation::Relu,
        },
    };
    let always = PackConfig::new().with_rule(PackRule::Always);
    let packed = always.pack(&sparse).unwrap().0;
    for names in [Names::PyTorch, Names::Burn] {
        let config = SaveConfig::new().with_names(names);
        let (bytes, _) = config.to_bytes(&dense).unwrap();
        assert_eq!(config.to_bytes(&sparse).unwrap().0, bytes);
        assert_eq!(config.to_bytes(&packed).unwrap().0, bytes);
        // The old form does not stay with the new weight.
        let other = Layer::new(10, 3, &device);
        let (bytes, _) = config.to_bytes(&other).unwrap();
        let again = read(&packed, bytes).unwrap();
        assert!(!again.fc.is_packed());
        assert_eq!(values(&again), values(&other));
    }
    let folder = tempfile::tempdir().unwrap();
    save(&packed, folder.path().join("model.safetensors")).unwrap();
    let sparsity = &config(folder.path())["quantization_config"]["sparsity_config"];
    assert_eq!(sparsity["targets"], json!(["Linear"]));
}

/// There is no name to put before the parts.
#[test]
fn a_layer_by_itself_stays_dense() {
    let layer = prune(LinearConfig::new(64, 64).init(&last_device()), 0.95);
    let (bytes, report) = SaveConfig::new().to_bytes(&layer).unwrap();
    assert!(report.sparse.is_empty());
    assert_eq!(values(&read(&layer, bytes).unwrap()), values(&layer));
}

#[test]
fn masks_come_back_and_fit_the_model() {
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("masks.safetensors");
        let model = Net::new(1, &device);
        let masks = Masks::of_model(&prune(model.clone(), 0.8), &Selection::new()).unwrap();
        let vector = Mask::from_kept("vector", [11], &[true; 11], &device).unwrap();
        let kept: Vec<bool> = (0..30).map(|at| at % 7 == 0).collect();
        let cube = Mask::from_kept("cube", [2, 3, 5], &kept, &device).unwrap();
        let all: Vec<Mask> = masks.iter().cloned().chain([vector, cube]).collect();
        save_masks(&Masks::from_masks(all.clone()).unwrap(), &path).unwrap();
        let again = load_masks(&path, &device).unwrap();
        assert_eq!(again.len(), 5);
        for (again, mask) in again.iter().zip(&all) {
            assert_eq!((again.path(), again.shape()), (mask.path(), mask.shape()));
            assert_eq!(again.to_vec(), mask.to_vec());
            assert_eq!(again.kept(), mask.kept());
        }
        let file = tensors(&std::fs::read(&path).unwrap());
        assert_eq!(file["cube.bitmask"].1, [2, 2]);
        assert_eq!(
            file["cube.bitmask"].2,
            [0b1000_0001, 0b0100_0000, 0b0100_0000, 0b0010_0000]
        );
        assert_eq!(file["vector.bitmask"].1, [1, 2]);

        save_masks(&masks, &path).unwrap();
        let masked = load_masks(&path, &device)
            .unwrap()
            .apply(model.clone())
            .unwrap();
        let expected = masks.apply(model).unwrap();
        assert_eq!(values(&masked), values(&expected));
    }
}

#[test]
fn files_that_hold_no_masks_are_refused() {
    let device = last_device();
    let (_, weights) = small();
    let error = load_masks_bytes(weights, &device).unwrap_err();
    let expected = r#"the file's format is "pt", but should be burn-seven masks"#;
    assert_eq!(error.to_string(), expected);

    let header = |shape: &str, bits: &str, more: &str| {
        format!(
            r#"{{"__metadata__":{{"format":"burn-seven masks"}},"a.shape":{{"dtype":"I64","shape":{shape},"data_offsets":[0,16]}},"a.bitmask":{{"dtype":"U8","shape":{bits},"data_offsets":[16,20]}}{more}}}"#
        )
    };
    let data = |sizes: [i64; 2], bits: [u8; 4]| {
        let sizes = sizes.iter().flat_map(|size| size.to_le_bytes());
        sizes.chain(bits).collect::<Vec<u8>>()
    };
    let good = data([2, 9], [0xff, 1, 0, 0]);
    let read = |header: &str, data: &[u8]| load_masks_bytes(file(header, data), &device);
    assert_eq!(read(&header("[2]", "[2,2]", ""), &good).unwrap().kept(), 9);
    let other = r#","b.weight":{"dtype":"U8","shape":[0],"data_offsets":[20,20]}"#;
    let half = r#","b.shape":{"dtype":"I64","shape":[0],"data_offsets":[20,20]}"#;
    let table = [
        (
            header("[2]", "[4]", ""),
            good.clone(),
            "is [4], but should be [2, 2]",
        ),
        (
            header("[2]", "[2,2]", ""),
            data([2, 17], [0; 4]),
            "is [2, 2], but should be [2, 3]",
        ),
        (
            header("[2]", "[2,2]", ""),
            data([2, -9], [0; 4]),
            "[2, -9], but should be a weight's sizes",
        ),
        (
            header("[2]", "[2,2]", ""),
            data([i64::MAX, i64::MAX], [0; 4]),
            "but should be a weight's sizes",
        ),
        (
            header("[2]", "[2,2]", ""),
            data([2, 9], [0, 2, 0, 0]),
            "is 1 in row 0, but should be 0",
        ),
        (
            header("[2,1]", "[2,2]", ""),
            good.clone(),
            "is [2, 1], but should be [0] to [16]",
        ),
        (
            header("[2]", "[2,2]", other),
            good.clone(),
            "no place for 1 of the file's tensors: b.weight",
        ),
        (
            header("[2]", "[2,2]", half),
            good,
            r#"incomplete: the file has no "b.bitmask""#,
        ),
    ];
    for (header, data, expected) in table {
        let text = read(&header, &data).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}\nbut expected\n{expected}");
    }
}
