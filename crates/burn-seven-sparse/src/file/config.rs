//! The `config.json` that tells the Python package compressed-tensors what is in the file.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::SparseError;

/// The release whose layout this is.
const VERSION: &str = "0.14.0";
/// Where a model's compression is described.
const KEY: &str = "quantization_config";

/// Which weights are compressed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Compression {
    /// Classes with compressed weights.
    pub targets: Vec<String>,
    /// Modules of these classes whose weights are not.
    pub ignore: Vec<String>,
    /// The share of zeros in all floats of the file.
    pub global_sparsity: f64,
}

/// Where the description of the file at `path` is.
pub(super) fn beside(path: &Path) -> Result<PathBuf, SparseError> {
    let config = path.with_file_name("config.json");
    if config == path {
        return Err(SparseError::Config {
            path: path.display().to_string(),
            reason: "this is where the description goes, not the tensors".to_string(),
        });
    }
    Ok(config)
}

impl Compression {
    /// The text of the file at `path`, with everything else that is in it already.
    pub(super) fn update(&self, path: &Path) -> Result<String, SparseError> {
        let mut config = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice::<Map<String, Value>>(&bytes).map_err(|error| {
                SparseError::Config {
                    path: path.display().to_string(),
                    reason: format!("not a JSON object: {error}"),
                }
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(SparseError::io(path)(error)),
        };
        config.insert(KEY.to_string(), self.to_json());
        Ok(format!("{:#}\n", Value::Object(config)))
    }

    fn to_json(&self) -> Value {
        json!({
            "quant_method": "compressed-tensors",
            "version": VERSION,
            "sparsity_config": {
                "format": "sparse-bitmask",
                "global_sparsity": self.global_sparsity,
                "sparsity_structure": "unstructured",
                "targets": self.targets,
                "ignore": self.ignore,
                "registry_requires_subclass": false,
            },
            "transform_config": {},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_entries_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = beside(&folder.path().join("model.safetensors")).unwrap();
        let compression = Compression {
            targets: vec!["Linear".to_string()],
            ignore: vec!["out".to_string()],
            global_sparsity: 0.5,
        };
        std::fs::write(
            &path,
            r#"{"architectures": ["Bert"], "quantization_config": 1}"#,
        )
        .unwrap();
        let config: Value = serde_json::from_str(&compression.update(&path).unwrap()).unwrap();
        assert_eq!(config["architectures"][0], "Bert");
        let sparsity = &config[KEY]["sparsity_config"];
        assert_eq!(sparsity["targets"], json!(["Linear"]));
        assert_eq!(sparsity["ignore"], json!(["out"]));
        assert_eq!(sparsity["global_sparsity"], 0.5);
        assert_eq!(config[KEY]["quant_method"], "compressed-tensors");

        std::fs::write(&path, "[]").unwrap();
        let error = compression.update(&path).unwrap_err().to_string();
        assert!(error.contains("not a JSON object"), "{error}");
        assert!(beside(&path).is_err());
    }
}
