//! A grid file: many runs, written short.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Error, Settings};

/// Reads a grid file: a JSON list of objects whose keys are settings and whose values are one value
/// or a list of them. Each object stands for all combinations of its lists; what it does not name is as in
/// `base`. All runs of one seed come before those of the next, since they share what is trained
/// dense.
///
/// # Errors
///
/// A file that cannot be read, a setting that does not exist or is refused, two runs that are the
/// same.
pub fn read(path: &Path, base: &Settings) -> Result<Vec<Settings>, Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
        path: name.clone(),
        source,
    })?;
    let refuse = |place: String, text: String| Error::File {
        path: name.clone(),
        place,
        text,
    };
    let objects: Vec<Map<String, Value>> = serde_json::from_str(&text)
        .map_err(|error| refuse("as a list of objects".to_string(), error.to_string()))?;
    let Value::Object(base) = serde_json::to_value(base)
        .map_err(|error| refuse("settings".to_string(), error.to_string()))?
    else {
        return Err(refuse("settings".to_string(), "no object".to_string()));
    };
    let mut runs: Vec<Settings> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        let place = || format!("object {index}");
        for combination in combinations(object) {
            let mut all = base.clone();
            all.extend(combination);
            let settings: Settings = serde_json::from_value(Value::Object(all))
                .map_err(|error| refuse(place(), error.to_string()))?;
            settings
                .validate()
                .map_err(|error| refuse(place(), error.to_string()))?;
            if runs.contains(&settings) {
                let text = serde_json::to_string(&settings).unwrap_or_default();
                return Err(refuse(
                    place(),
                    format!("this run is there already: {text}"),
                ));
            }
            runs.push(settings);
        }
    }
    Ok(runs)
}

/// Every choice of one value a key; the seed changes last.
fn combinations(object: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let mut all = vec![Map::new()];
    let seed_first = object.iter().filter(|(key, _)| *key == "seed");
    let others = object.iter().filter(|(key, _)| *key != "seed");
    for (key, value) in seed_first.chain(others) {
        let values = match value {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        all = all
            .into_iter()
            .flat_map(|chosen| {
                values.iter().map(move |value| {
                    let mut chosen = chosen.clone();
                    chosen.insert(key.clone(), value.clone());
                    chosen
                })
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::testing::settings;
    use crate::scorer_name::ScorerName;

    fn grid(text: &str) -> Result<Vec<Settings>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.json");
        std::fs::write(&path, text).unwrap();
        read(&path, &settings(&["--epochs", "7"]))
    }

    #[test]
    fn lists_are_multiplied_and_seeds_come_last() {
        let text = r#"[{"scorer": ["seven", "magnitude"], "seed": [0, 1], "sparsity": 0.5},
                       {"scorer": "random", "epochs": 2}]"#;
        let runs = grid(text).unwrap();
        let short = |run: &Settings| (run.scorer, run.seed, run.sparsity, run.epochs);
        assert_eq!(
            runs.iter().map(short).collect::<Vec<_>>(),
            [
                (ScorerName::Seven, 0, 0.5, 7),
                (ScorerName::Magnitude, 0, 0.5, 7),
                (ScorerName::Seven, 1, 0.5, 7),
                (ScorerName::Magnitude, 1, 0.5, 7),
                (ScorerName::Random, 0, 0.8, 2),
            ]
        );
    }

    #[test]
    fn bad_grids_are_refused_with_the_object() {
        let refused = |text: &str, expected: &[&str]| {
            let error = grid(text).unwrap_err().to_string();
            for part in expected {
                assert!(error.contains(part), "{error}");
            }
        };
        refused("{}", &["grid.json", "as a list of objects"]);
        refused(r#"[{"scorers": "seven"}]"#, &["object 0", "scorers"]);
        refused(r#"[{}, {"scorer": "eight"}]"#, &["object 1", "eight"]);
        refused(r#"[{"sparsity": 1.5}]"#, &["object 0", "1.5"]);
        refused(r#"[{"seed": [3, 3]}]"#, &["there already"]);
        assert!(read(Path::new("no such"), &settings(&[])).is_err());
    }
}
