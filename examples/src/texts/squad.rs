//! SQuAD 2.0's answerable questions.

use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use super::{DataError, Split, sources};

const FILE: &str = "squad2-dev-part.json";

/// A question whose answer is in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which article of the file the text is from, from 0 on.
    pub article: usize,
    /// The text.
    pub context: String,
    /// The question.
    pub question: String,
    /// What several people answered; at least one.
    pub answers: Vec<Answer>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The part.
    pub text: String,
    /// How many characters of the text are before it.
    pub start: usize,
}

impl Answer {
    /// The text's characters that it is made of.
    pub fn chars(&self) -> Range<usize> {
        self.start..self.start.saturating_add(self.text.chars().count())
    }
}

impl AsRef<str> for Answer {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

#[derive(Deserialize)]
struct File {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    question: String,
    answers: Vec<Given>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Given {
    text: String,
    answer_start: usize,
}

/// The answerable questions of `squad2-dev-part.json` in `dir` or in `dir/squad`.
///
/// They are split by article, so that no text is in both parts: the last fifth of the articles
/// (rounded up) is to test on. The file of five articles gives 581 questions on four to train on,
/// and 124 on the fifth.
///
/// # Errors
///
/// For a missing file, one that says how to get it; for a file that is no SQuAD, or has an answer
/// that is not at its place in its text, or fewer than two articles, an error with the file.
pub fn load_squad(dir: &Path) -> Result<Split<Question>, DataError> {
    let path = sources::find(dir, "squad", FILE, sources::SQUAD)?;
    let text = fs::read_to_string(&path).map_err(|source| DataError::Io {
        path: path.clone(),
        source,
    })?;
    let file: File = serde_json::from_str(&text).map_err(|source| DataError::Json {
        path: path.clone(),
        source,
    })?;
    let mut articles = Vec::new();
    for (article, content) in file.data.into_iter().enumerate() {
        let questions = questions(article, content, &path)?;
        if !questions.is_empty() {
            articles.push(questions);
        }
    }
    let found = articles.len();
    if found < 2 {
        return Err(DataError::Articles { path, found });
    }
    let test = articles.split_off(found - found.div_ceil(5));
    Ok(Split {
        train: articles.concat(),
        test: test.concat(),
    })
}

fn questions(article: usize, content: Article, path: &Path) -> Result<Vec<Question>, DataError> {
    let mut questions = Vec::new();
    for paragraph in content.paragraphs {
        for asked in paragraph
            .qas
            .into_iter()
            .filter(|asked| !asked.is_impossible)
        {
            if asked.answers.is_empty() {
                return Err(DataError::NoAnswer {
                    path: path.to_owned(),
                    question: asked.id,
                });
            }
            let mut answers = Vec::with_capacity(asked.answers.len());
            for given in asked.answers {
                answers.push(answer(given, &paragraph.context, &asked.id, path)?);
            }
            questions.push(Question {
                article,
                context: paragraph.context.clone(),
                question: asked.question,
                answers,
            });
        }
    }
    Ok(questions)
}

fn answer(given: Given, context: &str, id: &str, path: &Path) -> Result<Answer, DataError> {
    let answer = Answer {
        text: given.text,
        start: given.answer_start,
    };
    let place = answer.chars();
    let found: String = context
        .chars()
        .skip(place.start)
        .take(place.len())
        .collect();
    if found != answer.text {
        return Err(DataError::Answer {
            path: path.to_owned(),
            question: id.to_string(),
            expected: answer.text,
            found,
        });
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn loaded(data: &Value) -> Result<Split<Question>, DataError> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("squad")).unwrap();
        let text = json!({ "version": "v2.0", "data": data }).to_string();
        fs::write(dir.path().join("squad").join(FILE), text).unwrap();
        load_squad(dir.path())
    }

    /// An article of one text with one question, answered by `text` at `start`.
    fn article(context: &str, text: &str, start: usize) -> Value {
        json!({ "title": "T", "paragraphs": [{ "context": context, "qas": [{
            "id": "q1", "question": "Which?", "is_impossible": false,
            "answers": [{ "text": text, "answer_start": start }],
        }] }] })
    }

    #[test]
    fn places_are_counted_in_characters() -> Result<(), DataError> {
        // é and ö are two bytes each.
        let first = article("Café Köln here", "Köln", 5);
        let split = loaded(&json!([first, article("no", "no", 0)]))?;
        let answer = &split.train[0].answers[0];
        assert_eq!((answer.text.as_str(), answer.chars()), ("Köln", 5..9));
        Ok(())
    }

    #[test]
    fn the_last_fifth_of_the_articles_is_to_test_on() -> Result<(), DataError> {
        let articles = vec![article("a b", "b", 2); 6];
        let split = loaded(&articles.into())?;
        let of = |questions: &[Question]| -> Vec<usize> {
            questions.iter().map(|question| question.article).collect()
        };
        assert_eq!(
            (of(&split.train), of(&split.test)),
            (vec![0, 1, 2, 3], vec![4, 5])
        );
        Ok(())
    }

    #[test]
    fn impossible_questions_are_left_out() -> Result<(), DataError> {
        let mut first = article("a b", "b", 2);
        let impossible = json!({
            "id": "q2", "question": "Why?", "is_impossible": true, "answers": [],
            "plausible_answers": [{ "text": "a", "answer_start": 0 }],
        });
        first["paragraphs"][0]["qas"]
            .as_array_mut()
            .unwrap()
            .push(impossible);
        let split = loaded(&json!([first, article("c", "c", 0)]))?;
        assert_eq!((split.train.len(), split.test.len()), (1, 1));
        assert_eq!(split.train[0].question, "Which?");
        Ok(())
    }

    fn refused(data: &Value, expected: &str) {
        let error = loaded(data).expect_err("refused").to_string();
        assert!(error.contains(FILE) && error.contains(expected), "{error}");
    }

    #[test]
    fn wrong_files_are_refused_with_their_reason() {
        let misplaced = article("one two", "two", 3);
        refused(
            &json!([misplaced]),
            "question q1: answer is \"two\", but its place holds \" tw\"",
        );
        refused(
            &json!([article("one", "one", usize::MAX)]),
            "its place holds \"\"",
        );
        refused(&json!([article("one", "one", 0)]), "1 articles");
        refused(&json!([{ "title": "T" }]), "missing field `paragraphs`");
        let mut unanswered = article("one", "one", 0);
        unanswered["paragraphs"][0]["qas"][0]["answers"] = json!([]);
        refused(&json!([unanswered]), "question q1: no answer");
    }

    #[test]
    fn a_missing_file_is_named_with_the_way_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = load_squad(dir.path()).expect_err("missing").to_string();
        assert!(
            error.contains(FILE) && error.contains("dev-v2.0.json"),
            "{error}"
        );
    }
}
