//! Pretrained weights.

use std::path::Path;

use burn::store::{
    ApplyError, FloatCastAdapter, ModuleAdapter, ModuleStore, PyTorchToBurnAdapter,
    SafetensorsStore, SafetensorsStoreError,
};
use burn::tensor::Device;

use super::{Bert, BertConfig, BertError, names};

/// The model of a folder with Hugging Face's `config.json` and `model.safetensors`, for a device.
///
/// Tensors may have a leading `bert.`, and LayerNorms' may be called `gamma` and `beta`, as in
/// older files. What the model has no use for, such as a pooler, is not read.
///
/// # Errors
///
/// Those of [`BertConfig::from_file`]; [`BertError::Io`] or [`BertError::Weights`] for a file of
/// weights that cannot be read, and [`BertError::Missing`], [`BertError::Shape`] or
/// [`BertError::Tensor`] for the first tensor that is not as the configuration asks for.
pub fn load(dir: &Path, device: &Device) -> Result<Bert, BertError> {
    let config = BertConfig::from_file(&dir.join("config.json"))?;
    let path = dir.join("model.safetensors");
    let unreadable = |error| unreadable(&path, error);

    let dtype = device.settings().float_dtype.into();
    let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(dtype));
    let store = SafetensorsStore::from_file(&path)
        .with_from_adapter(adapter)
        .validate(false) // both are checked below, with
        .allow_partial(true); // messages that name the file's tensors
    let mut store = names::patterns().fold(store, |store, (theirs, ours)| {
        store.with_key_remapping(theirs, ours)
    });

    // Before as many layers are made as the configuration says.
    for layer in 0..config.num_hidden_layers {
        let name = format!("layers.{layer}.attention.query.weight");
        if store.get_tensor(&name).map_err(unreadable)?.is_none() {
            return Err(missing(&path, &name));
        }
    }
    let mut model = config.init(device);
    let result = store.apply_to(&mut model).map_err(unreadable)?;
    match (result.missing.first(), result.errors.into_iter().next()) {
        (Some((name, _)), _) => Err(missing(&path, name)),
        (None, Some(error)) => Err(refused(&path, error)),
        (None, None) => Ok(model),
    }
}

fn unreadable(path: &Path, error: SafetensorsStoreError) -> BertError {
    let path = path.to_path_buf();
    match error {
        SafetensorsStoreError::Io(source) => BertError::Io { path, source },
        other => BertError::Weights {
            path,
            reason: other.to_string(),
        },
    }
}

fn missing(path: &Path, ours: &str) -> BertError {
    BertError::Missing {
        path: path.to_path_buf(),
        name: names::theirs(ours),
    }
}

fn refused(path: &Path, error: ApplyError) -> BertError {
    let file = path.to_path_buf();
    match error {
        ApplyError::ShapeMismatch {
            path: ours,
            expected,
            found,
        } => {
            // Matrices of layers are turned on the way, tables are not.
            let turned = ours.starts_with("layers.");
            let shape = |shape: &[usize]| -> Vec<usize> {
                match turned {
                    true => shape.iter().rev().copied().collect(),
                    false => shape.to_vec(),
                }
            };
            BertError::Shape {
                path: file,
                name: names::theirs(&ours),
                expected: shape(&expected),
                found: shape(&found),
            }
        }
        ApplyError::DTypeMismatch {
            path: ours,
            expected,
            found,
        } => BertError::Tensor {
            path: file,
            name: names::theirs(&ours),
            reason: format!("numbers are {found:?}, but should be like {expected:?}"),
        },
        ApplyError::AdapterError {
            path: ours,
            message,
        }
        | ApplyError::LoadError {
            path: ours,
            message,
        } => BertError::Tensor {
            path: file,
            name: names::theirs(&ours),
            reason: message,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{Files, difference, reference};
    use super::*;

    const MATRIX: &str = "encoder.layer.1.intermediate.dense.weight";

    fn refused(change: impl Fn(&mut Files), expected: &str) {
        let mut files = Files::tiny();
        change(&mut files);
        let error = files.load(&burn_seven::device()).expect_err("refused");
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_missing_tensor_is_named() {
        for name in [
            MATRIX,
            "embeddings.LayerNorm.bias",
            "encoder.layer.0.attention.self.query.weight",
            "encoder.layer.0.output.LayerNorm.weight",
        ] {
            let remove = |files: &mut Files| drop(files.tensors.remove(name));
            refused(remove, &format!("model.safetensors: no tensor {name}"));
        }
    }

    #[test]
    fn more_layers_than_the_file_has_are_not_even_made() {
        refused(
            |files| files.config["num_hidden_layers"] = u64::MAX.into(),
            "no tensor encoder.layer.2.attention.self.query.weight",
        );
    }

    #[test]
    fn another_shape_is_named_as_the_file_has_it() {
        let turn = |files: &mut Files, name: &str| {
            if let Some((shape, _)) = files.tensors.get_mut(name) {
                shape.reverse();
            }
        };
        refused(
            |files| turn(files, MATRIX),
            &format!("{MATRIX} has shape [12, 20], but should have [20, 12]"),
        );
        let table = "embeddings.word_embeddings.weight";
        refused(
            |files| turn(files, table),
            &format!("{table} has shape [12, 29], but should have [29, 12]"),
        );
        refused(
            |files| files.config["vocab_size"] = u64::MAX.into(),
            &format!("{table} has shape [29, 12], but should have [18446744073709551615, 12]"),
        );
    }

    #[test]
    fn a_wrong_configuration_is_refused() {
        refused(
            |files| files.config["hidden_act"] = "relu".into(),
            "hidden_act is relu, but only gelu is supported",
        );
        refused(
            |files| files.config["hidden_size"] = "wide".into(),
            "config.json: invalid type: string \"wide\", expected usize",
        );
    }

    #[test]
    fn a_file_that_is_missing_or_damaged_is_named() {
        let device = burn_seven::device();
        let dir = tempfile::tempdir().unwrap();
        let error = || load(dir.path(), &device).expect_err("refused");
        let io = |error: BertError, file: &str| match error {
            BertError::Io { path, .. } => assert_eq!(path, dir.path().join(file)),
            other => panic!("{other}"),
        };
        io(error(), "config.json");

        Files::tiny().write(dir.path());
        let weights = dir.path().join("model.safetensors");
        let whole = fs::read(&weights).unwrap();
        for length in [0, 7, 100, whole.len() - 1] {
            fs::write(&weights, &whole[..length]).unwrap();
            match error() {
                BertError::Weights { path, .. } => assert_eq!(path, weights),
                other => panic!("{other}"),
            }
        }
        fs::remove_file(&weights).unwrap();
        io(error(), "model.safetensors");
        fs::write(dir.path().join("config.json"), "{}").unwrap();
        assert!(matches!(error(), BertError::Json { .. }));
    }

    #[test]
    fn other_names_for_the_same_tensors_and_tensors_of_no_use_are_taken() {
        let device = burn_seven::device();
        let tiny = reference().tiny;
        let batch = tiny.input.batch(&device);
        let old = |name: String| {
            let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
            format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
        };
        let mut files = Files::tiny().renamed(old);
        for other in ["bert.pooler.dense.weight", "cls.predictions.bias"] {
            files
                .tensors
                .insert(other.to_string(), (vec![1], vec![0.0]));
        }
        let model = files.load(&device).unwrap();
        let expected = tiny.hidden.concat().concat();
        assert!(difference(model.forward(&batch), &expected) < 1e-5);
    }
}
