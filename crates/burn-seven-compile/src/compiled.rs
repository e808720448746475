//! A model that is ready to run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module;
use burn::tensor::DType;

use crate::awake::awake;
use crate::capture::capture;
use crate::choose::{Known, choose};
use crate::config::{CompileConfig, Precision, Products};
use crate::error::message;
use crate::fold;
use crate::plan::Plan;
use crate::pool::Pool;
use crate::report::CompileReport;
use crate::rewrite::rewrite;
use crate::tensors::Tensors;
use crate::value::Value;
use crate::{CompileError, check};

/// How inputs are put together, and shapes and types of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    structure: Vec<usize>,
    tensors: Vec<(Vec<usize>, DType)>,
}

/// A plan, and how outputs are put together from tensors.
#[derive(Debug)]
pub(crate) struct Planned<O> {
    pub plan: Plan,
    template: O,
}

/// Makes a plan for inputs like these.
type Planner<I, O> = dyn Fn(&I, &Known) -> Result<Planned<O>, CompileError> + Send + Sync;

/// A model's forward pass, [compiled](crate::compile).
///
/// It holds the weights that the model had, and the example; when weights change, compile again. It
/// may be run by several threads at once.
pub struct Compiled<I, O> {
    planner: Box<Planner<I, O>>,
    known: Known,
    pool: Pool,
    /// The one that was used last comes last.
    plans: Mutex<Vec<(Signature, Arc<Planned<O>>)>>,
    /// Held while a plan is made.
    planning: Mutex<()>,
    shapes: usize,
    example: Signature,
    example_inputs: I,
}

impl<I, O> std::fmt::Debug for Compiled<I, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled")
            .field("example", &self.example)
            .finish_non_exhaustive()
    }
}

impl<I: Tensors, O: Tensors> Compiled<I, O> {
    pub(crate) fn new<M, F>(
        model: &M,
        example: I,
        forward: F,
        config: &CompileConfig,
    ) -> Result<Self, CompileError>
    where
        M: Module + Send + Sync + 'static,
        F: Fn(&M, I) -> O + Send + Sync + 'static,
    {
        if config.shapes == 0 {
            return Err(CompileError::Config {
                parameter: "shapes",
                expected: "at least 1",
                found: "0".to_string(),
            });
        }
        if config.products == Products::Dense && config.precision != Precision::Float32 {
            return Err(CompileError::Config {
                parameter: "precision",
                expected: "Float32 where no product is sparse",
                found: format!("{:?}", config.precision),
            });
        }
        let forward = Arc::new(forward);
        let planner = {
            // `valid` takes running statistics off the caller's model: they may change there.
            let (model, forward, config) = (model.valid(), forward.clone(), config.clone());
            move |inputs: &I, known: &Known| {
                let (captured, template) = capture(&model, inputs, &*forward)?;
                let mut graph = fold::graph(&captured);
                let choose = || {
                    rewrite(&mut graph, &config);
                    choose(&mut graph, &config, known)
                };
                // Nothing that a panic leaves behind is used again.
                let choices = catch_unwind(AssertUnwindSafe(choose)).map_err(|panic| {
                    let message = message(panic);
                    CompileError::Capture { message }
                })?;
                Ok(Planned {
                    plan: Plan::new(graph, choices),
                    template,
                })
            }
        };
        let compiled = Self {
            planner: Box::new(planner),
            known: Known::default(),
            pool: Pool::default(),
            plans: Mutex::new(Vec::new()),
            planning: Mutex::new(()),
            shapes: config.shapes,
            example: signature(&example, &values(example.clone())?),
            example_inputs: example.clone(),
        };
        compiled.planned(&example, &compiled.example)?;
        if config.check {
            if let Some(operation) = compiled.planned(&example, &compiled.example)?.plan.draws() {
                return Err(CompileError::Random { operation });
            }
            let tolerance = check::tolerance(config.precision);
            check::against(model, &*forward, &example, &compiled, tolerance)?;
        }
        Ok(compiled)
    }

    /// The outputs, as the model's forward pass gives them.
    ///
    /// It is run by a thread of rayon's pool; the others are kept awake meanwhile, so that short
    /// operations gain from them.
    ///
    /// Inputs of shapes that are new are compiled first, so that batch and sequence length may vary
    /// freely. Weights are tried for numbers of rows below 128 that are new. Outputs for new shapes are not compared with the model's.
    ///
    /// # Errors
    ///
    /// When an input is not on flex, when new shapes cannot be compiled, or when an operation
    /// fails, as for indices that are not in an embedding.
    pub fn run(&self, inputs: I) -> Result<O, CompileError> {
        let example = inputs.clone();
        let inputs = values(inputs)?;
        let planned = self.planned(&example, &signature(&example, &inputs))?;
        drop(example); // so that inputs which no one else holds may be written in place
        let outputs = awake(|| planned.plan.run(inputs, &self.pool))?;
        self.rebuild(&planned, outputs)
    }

    /// What was done with the model, for inputs like the example, and how long its parts take,
    /// which is measured now.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn report(&self) -> Result<CompileReport, CompileError> {
        self.report_for(self.example_inputs.clone())
    }

    /// What was done for inputs of these shapes, and how long the parts take, which is measured
    /// now.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn report_for(&self, inputs: I) -> Result<CompileReport, CompileError> {
        let given = values(inputs.clone())?;
        let planned = self.planned(&inputs, &signature(&inputs, &given))?;
        awake(|| CompileReport::new(&planned.plan, &given, &self.pool))
    }

    pub(crate) fn rebuild(
        &self,
        planned: &Planned<O>,
        outputs: Vec<Value>,
    ) -> Result<O, CompileError> {
        let mut outputs = outputs.into_iter();
        let rebuilt = planned.template.rebuild(&mut outputs);
        rebuilt.ok_or_else(|| CompileError::Operation {
            operation: "output".to_string(),
            message: "there are fewer outputs than were captured".to_string(),
        })
    }

    /// The plan for inputs of these shapes.
    fn planned(&self, inputs: &I, like: &Signature) -> Result<Arc<Planned<O>>, CompileError> {
        if let Some(planned) = self.kept(like) {
            return Ok(planned);
        }
        // One plan at a time: who meets the same shape meanwhile waits for it. Not so rayon's threads:
        // while they wait for a part of a plan they may take up another run, and wait for themselves.
        let waits = rayon::current_thread_index().is_none();
        let planning = || self.planning.lock().unwrap_or_else(PoisonError::into_inner);
        let _one = waits.then(planning);
        if let Some(planned) = self.kept(like) {
            return Ok(planned);
        }
        let planned = Arc::new((self.planner)(inputs, &self.known)?);
        // One of rayon's threads may have been faster.
        if let Some(planned) = self.kept(like) {
            return Ok(planned);
        }
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= self.shapes {
            plans.remove(0);
        }
        plans.push((like.clone(), planned.clone()));
        Ok(planned)
    }

    fn kept(&self, like: &Signature) -> Option<Arc<Planned<O>>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let place = plans.iter().position(|(known, _)| known == like)?;
        let found = plans.remove(place);
        let planned = found.1.clone();
        plans.push(found);
        Some(planned)
    }
}

fn values<T: Tensors>(tensors: T) -> Result<Vec<Value>, CompileError> {
    let mut values = Vec::new();
    tensors.take(&mut values)?;
    Ok(values)
}

fn signature<T: Tensors>(tensors: &T, values: &[Value]) -> Signature {
    let mut structure = Vec::new();
    tensors.structure(&mut structure);
    let one = |value: &Value| (value.shape().to_vec(), value.dtype());
    Signature {
        structure,
        tensors: values.iter().map(one).collect(),
    }
}
