//! What compiling did, for people to read.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

use crate::CompileError;
use crate::choose::{Choice, ProductKind};
use crate::plan::Plan;
use crate::pool::Pool;
use crate::value::Value;

/// One product with constant weights.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProductReport {
    /// The weights' paths in the module: several where layers with one input became one product;
    /// `from a, b` for what the forward pass makes of parameters.
    pub paths: Vec<String>,
    /// `[inputs, outputs]` of a linear layer, `[outputs, channels / groups, height, width]` of a
    /// convolution.
    pub shape: Vec<usize>,
    /// How many rows are multiplied, or how many positions the output has.
    pub rows: usize,
    /// The share of the weights that are 0.
    pub sparsity: f64,
    /// How it is run.
    pub product: ProductKind,
    /// Whether its weights were rounded to bfloat16.
    pub rounded: bool,
    /// What a dense and a sparse product of so many rows take in seconds, where both were tried:
    /// from a trial of at most 128 rows or 2 images. Of a weight with inputs or outputs whose
    /// weights are all 0 the dense product is the compact one.
    pub seconds: Option<[f64; 2]>,
}

/// All operations of one kind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OperationReport {
    /// What it is; `Burn's ...` for those that run as Burn runs them.
    pub name: String,
    /// How many there are.
    pub count: usize,
    /// What they take together, in seconds.
    pub seconds: f64,
}

/// What became of a model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompileReport {
    /// Its products with constant weights, in the order they run.
    pub products: Vec<ProductReport>,
    /// Its operations, those that take longest first.
    pub operations: Vec<OperationReport>,
}

/// Runs of which the shortest counts.
const RUNS: usize = 3;

impl CompileReport {
    pub(crate) fn new(plan: &Plan, inputs: &[Value], pool: &Pool) -> Result<Self, CompileError> {
        let mut best: Option<Vec<(String, f64)>> = None;
        for _ in 0..RUNS {
            let times = plan.profile(inputs.to_vec(), pool)?;
            best = Some(match best {
                None => times,
                Some(best) => best
                    .into_iter()
                    .zip(times)
                    .map(|((name, a), (_, b))| (name, a.min(b)))
                    .collect(),
            });
        }
        let mut kinds: BTreeMap<String, (usize, f64)> = BTreeMap::new();
        for (name, seconds) in best.unwrap_or_default() {
            let kind = kinds.entry(name).or_default();
            kind.0 += 1;
            kind.1 += seconds;
        }
        let mut operations: Vec<OperationReport> = kinds
            .into_iter()
            .map(|(name, (count, seconds))| OperationReport {
                name,
                count,
                seconds,
            })
            .collect();
        operations.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Ok(Self {
            products: plan.choices.iter().map(product).collect(),
            operations,
        })
    }

    /// How many products skip zeros, or inputs and outputs of zeros.
    pub fn sparse_products(&self) -> usize {
        let dense = |one: &&ProductReport| one.product == ProductKind::Dense;
        self.products.len() - self.products.iter().filter(dense).count()
    }

    /// The share of the time that operations take which run as Burn runs them.
    pub fn unfused_share(&self) -> f64 {
        let all: f64 = self.operations.iter().map(|one| one.seconds).sum();
        let burn = self
            .operations
            .iter()
            .filter(|one| one.name.starts_with(BURN));
        let burn: f64 = burn.map(|one| one.seconds).sum();
        // A sum of nothing is -0.
        if burn > 0.0 { burn / all } else { 0.0 }
    }
}

/// What names of Burn's operations begin with.
pub(crate) const BURN: &str = "Burn's ";

fn product(choice: &Choice) -> ProductReport {
    let entries: usize = choice.shape.iter().product();
    ProductReport {
        paths: choice.paths.clone(),
        shape: choice.shape.clone(),
        rows: choice.rows,
        sparsity: 1.0 - choice.nonzeros as f64 / entries.max(1) as f64,
        product: choice.kind,
        rounded: choice.rounded,
        seconds: choice.measured.map(|times| [times.dense, times.sparse]),
    }
}

impl Display for CompileReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let name = |one: &ProductReport| one.paths.join(" | ");
        let names = self.products.iter().map(|one| name(one).len());
        let wide = names.max().unwrap_or(0).clamp(6, 72);
        writeln!(
            f,
            "{:wide$}  {:>11}  {:>7}  {:>8}  {:>10}  {:>10}  product",
            "weight", "shape", "rows", "sparsity", "dense", "sparse"
        )?;
        for one in &self.products {
            let sizes: Vec<String> = one.shape.iter().map(usize::to_string).collect();
            let shape = sizes.join("x");
            let micros = |place: usize| match one.seconds {
                Some(seconds) => format!("{:.1} us", seconds[place] * 1e6),
                None => "-".to_string(),
            };
            writeln!(
                f,
                "{:wide$}  {shape:>11}  {:>7}  {:>6.2} %  {:>10}  {:>10}  {}",
                name(one),
                one.rows,
                one.sparsity * 100.0,
                micros(0),
                micros(1),
                match one.product {
                    ProductKind::Dense => "dense",
                    ProductKind::Compact => "compact",
                    ProductKind::Sparse if one.rounded => "sparse, rounded",
                    ProductKind::Sparse => "sparse",
                },
            )?;
        }
        let all: f64 = self.operations.iter().map(|one| one.seconds).sum();
        writeln!(f)?;
        for one in &self.operations {
            writeln!(
                f,
                "{:>9.3} ms {:>5.1} %  {:>4} x {}",
                one.seconds * 1e3,
                100.0 * one.seconds / all.max(f64::MIN_POSITIVE),
                one.count,
                one.name,
            )?;
        }
        write!(
            f,
            "{:>9.3} ms in all; {} of {} products skip zeros; {:.1} % of the time runs as Burn runs it",
            all * 1e3,
            self.sparse_products(),
            self.products.len(),
            100.0 * self.unfused_share(),
        )
    }
}
