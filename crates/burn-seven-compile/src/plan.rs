//! A graph made ready to run: nodes in a row, and when each tensor is given up.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use burn::tensor::Shape;
use burn_ir::TensorId;

use crate::CompileError;
use crate::choose::Choice;
use crate::error::message;
use crate::fold::draws;
use crate::graph::Graph;
use crate::interpreter::{self, Interpreter};
use crate::kernels::Op;
use crate::pool::Pool;
use crate::value::Value;

/// A node of a [`Plan`]. Tensors are named by the slots they are kept in.
#[derive(Debug)]
struct Step {
    op: Op,
    /// The inputs' slots, and whether this is the last time that the slot is read.
    inputs: Vec<(usize, bool)>,
    outputs: Vec<usize>,
    shapes: Vec<Shape>,
    /// Outputs that nothing reads.
    unread: Vec<usize>,
}

/// A graph for inputs of one shape. It is shared by threads, each with its own tensors.
#[derive(Debug)]
pub(crate) struct Plan {
    slots: usize,
    constants: Vec<(usize, Value)>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    steps: Vec<Step>,
    pub choices: Vec<Choice>,
}

impl Plan {
    pub fn new(graph: Graph, choices: Vec<Choice>) -> Self {
        let mut slots: HashMap<TensorId, usize> = HashMap::new();
        let mut slot = |id: TensorId| {
            let next = slots.len();
            *slots.entry(id).or_insert(next)
        };
        let inputs: Vec<usize> = graph.inputs.iter().map(|id| slot(*id)).collect();
        let outputs: Vec<usize> = graph.outputs.iter().map(|id| slot(*id)).collect();
        let mut steps: Vec<Step> = graph
            .nodes()
            .map(|(_, node)| Step {
                op: node.op.clone(),
                inputs: node.inputs.iter().map(|ir| (slot(ir.id), false)).collect(),
                outputs: node.outputs.iter().map(|ir| slot(ir.id)).collect(),
                shapes: node.outputs.iter().map(|ir| ir.shape.clone()).collect(),
                unread: Vec::new(),
            })
            .collect();
        let constants: Vec<(usize, Value)> = graph
            .constants
            .iter()
            .filter_map(|(id, value)| Some((*slots.get(id)?, value.clone())))
            .collect();
        // Outputs stay to the end; a constant's slot is given up like another's, since a run has
        // its own.
        let mut read = vec![false; slots.len()];
        for &output in &outputs {
            read[output] = true;
        }
        for step in steps.iter_mut().rev() {
            for &output in &step.outputs {
                if !read[output] {
                    step.unread.push(output);
                }
            }
            for (slot, last) in step.inputs.iter_mut().rev() {
                *last = !std::mem::replace(&mut read[*slot], true);
            }
        }
        Self {
            slots: slots.len(),
            constants,
            inputs,
            outputs,
            steps,
            choices,
        }
    }

    /// The outputs for these inputs.
    ///
    /// # Errors
    ///
    /// Where an operation fails.
    pub fn run(&self, inputs: Vec<Value>, pool: &Pool) -> Result<Vec<Value>, CompileError> {
        self.run_with(inputs, pool, |_, _| {})
    }

    /// The same, and how many seconds each operation took, by name.
    pub fn profile(
        &self,
        inputs: Vec<Value>,
        pool: &Pool,
    ) -> Result<Vec<(String, f64)>, CompileError> {
        let mut times = Vec::with_capacity(self.steps.len());
        let mut last = Instant::now();
        self.run_with(inputs, pool, |op, done| {
            if done {
                let seconds = last.elapsed().as_secs_f64();
                times.push((op.name(), seconds));
            }
            last = Instant::now();
        })?;
        Ok(times)
    }

    /// The name of an operation that draws random numbers, if there is one.
    pub fn draws(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match &step.op {
            Op::Burn(operation) if draws(operation) => Some(interpreter::name(operation)),
            _ => None,
        })
    }

    /// `at` is called before each operation, and after it with true.
    fn run_with(
        &self,
        inputs: Vec<Value>,
        pool: &Pool,
        mut at: impl FnMut(&Op, bool),
    ) -> Result<Vec<Value>, CompileError> {
        let mut slots: Vec<Option<Value>> = vec![None; self.slots];
        for (slot, value) in &self.constants {
            slots[*slot] = Some(value.clone());
        }
        for (slot, value) in self.inputs.iter().zip(inputs) {
            slots[*slot] = Some(value);
        }
        let mut interpreter = None;
        for step in &self.steps {
            at(&step.op, false);
            let values: Vec<Value> = step
                .inputs
                .iter()
                .filter_map(|&(slot, last)| match last {
                    true => slots[slot].take(),
                    false => slots[slot].clone(),
                })
                .collect();
            let outputs = match &step.op {
                Op::Burn(operation) => {
                    let interpreter: &mut Interpreter = interpreter.get_or_insert_default();
                    caught(&step.op, || interpreter.run(operation, values))?
                }
                op => caught(op, || match op.kernel() {
                    Some(kernel) => kernel.run(values, &step.shapes, pool),
                    None => Vec::new(),
                })?,
            };
            for (slot, value) in step.outputs.iter().zip(outputs) {
                slots[*slot] = Some(value);
            }
            for slot in &step.unread {
                slots[*slot] = None;
            }
            at(&step.op, true);
        }
        let outputs: Vec<Value> = self
            .outputs
            .iter()
            .filter_map(|slot| slots[*slot].clone())
            .collect();
        match outputs.len() == self.outputs.len() {
            true => Ok(outputs),
            false => Err(CompileError::Operation {
                operation: "output".to_string(),
                message: "an output was not made".to_string(),
            }),
        }
    }
}

fn caught<T>(op: &Op, run: impl FnOnce() -> T) -> Result<T, CompileError> {
    // What a panic leaves behind belongs to this run, which ends here.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| CompileError::Operation {
        operation: op.name(),
        message: message(panic),
    })
}
