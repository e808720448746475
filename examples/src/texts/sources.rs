//! Where the files are, and where they come from.

use std::path::{Path, PathBuf};

use super::DataError;

pub(super) const SST2: &str = "\
curl -LO https://dl.fbaipublicfiles.com/glue/data/SST-2.zip && unzip SST-2.zip
mv SST-2/train.tsv sst2-train.tsv; mv SST-2/dev.tsv sst2-dev.tsv";

pub(super) const MRPC: &str = "\
msr_paraphrase_{train,test}.txt of Microsoft's installer, as mrpc-{train,test}.tsv:
https://www.microsoft.com/en-us/download/details.aspx?id=52398
or, with words and punctuation apart already:
base=https://dl.fbaipublicfiles.com/senteval/senteval_data
curl -o mrpc-train.tsv $base/msr_paraphrase_train.txt
curl -o mrpc-test.tsv $base/msr_paraphrase_test.txt";

pub(super) const RTE: &str = r#"curl -LO https://dl.fbaipublicfiles.com/glue/data/RTE.zip
unzip RTE.zip
for part in train dev; do
  awk -F'\t' -v OFS='\t' 'NR > 1 { gsub(/"/, "\"\"");
    print "\"" $2 "\"", "\"" $3 "\"", ($4 != "entailment"), $1 }' RTE/$part.tsv >rte-$part.tsv
done"#;

pub(super) const COLA: &str = r"curl -LO https://nyu-mll.github.io/CoLA/cola_public_1.1.zip
unzip cola_public_1.1.zip && cd cola_public/tokenized
columns() { awk -F'\t' -v OFS='\t' '{ print $4, $2 }' $1; }
columns in_domain_train.tsv >cola-train.tsv; columns out_of_domain_dev.tsv >cola-dev.tsv";

pub(super) const SQUAD: &str = "\
curl -LO https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v2.0.json
jq '.data |= .[:5]' dev-v2.0.json >squad2-dev-part.json";

/// The file `name` in `dir`, or in the folder of that name in it.
pub(super) fn find(
    dir: &Path,
    folder: &'static str,
    name: &str,
    get: &'static str,
) -> Result<PathBuf, DataError> {
    let path = dir.join(name);
    let inner = dir.join(folder).join(name);
    match (path.is_file(), inner.is_file()) {
        (true, _) => Ok(path),
        (false, true) => Ok(inner),
        (false, false) => Err(DataError::Missing { path, folder, get }),
    }
}
